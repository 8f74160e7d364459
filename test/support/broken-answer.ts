/** The error that an answer names whose nodes fail once its first bytes are here; undefined for one without. Rejects for what is no JSON. */
export async function errorOfBroken(
  url: string,
  fail: () => Promise<void>,
): Promise<string | undefined> {
  const response = await fetch(url);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const parts = [(await reader.read()).value ?? new Uint8Array()];
  await fail();
  for (let next = await reader.read(); !next.done; next = await reader.read()) parts.push(next.value); // prettier-ignore
  const { results } = JSON.parse(Buffer.concat(parts).toString()) as { results: { error?: string }[] }; // prettier-ignore
  return results[0]?.error;
}

import { tarBlockBytes, tarEnd, tarHead } from '../../base/tar-head.ts';

/** Files in the ustar format: a head of 512 bytes each, content filled up to blocks, two empty blocks at the end. */
export function tarOf(
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  modifiedSeconds: number,
): Uint8Array {
  const parts = files.flatMap(({ name, bytes }) => {
    const fill = (tarBlockBytes - (bytes.length % tarBlockBytes)) % tarBlockBytes;
    const head = tarHead({ name, sizeBytes: bytes.length, modifiedSeconds });
    return [head, bytes, new Uint8Array(fill)];
  });
  return Buffer.concat([...parts, tarEnd]);
}

import { expect, test } from 'vitest';
import { PartsStream } from './parts-stream.ts';

/** Parts `from` to `to`, with a list of what has happened to them. */
function partsOf(from: number, to: number) {
  const events: string[] = [];
  async function* parts(): AsyncGenerator<Buffer> {
    try {
      for (let i = from; i <= to; i++) {
        await Promise.resolve();
        events.push(`made ${i}`);
        yield Buffer.from(String(i));
      }
    } finally {
      events.push('ended');
    }
  }
  return { events, parts: parts() };
}

test('parts of an answer: those that were taken, then the others, each made when it is asked for', async () => {
  const { events, parts } = partsOf(3, 5);
  const stream = new PartsStream([Buffer.from('1'), Buffer.from('2')], parts);
  const seen: string[] = [];
  for await (const part of stream) {
    seen.push(String(part));
    expect(events.length).toBeLessThanOrEqual(seen.length + 1);
  }
  expect(seen.join('')).toBe('12345');
  expect(events).toEqual(['made 3', 'made 4', 'made 5', 'ended']);
});

test('parts of an answer: who leaves ends them', async () => {
  const { events, parts } = partsOf(1, 1_000);
  const stream = new PartsStream([], parts);
  for await (const part of stream) {
    expect(String(part)).toBe('1');
    break;
  }
  expect(stream.destroyed).toBe(true);
  expect(events.at(-1)).toBe('ended');
  expect(events.length).toBeLessThan(5);
});

test("parts of an answer: what fails while a part is made is the stream's error", async () => {
  async function* failing(): AsyncGenerator<Buffer> {
    yield Buffer.from('1');
    await Promise.resolve();
    throw new Error('no more');
  }
  const stream = new PartsStream([], failing());
  const seen: string[] = [];
  const read = async () => {
    for await (const part of stream) seen.push(String(part));
  };
  await expect(read()).rejects.toThrow('no more');
  expect(seen).toEqual(['1']);
});

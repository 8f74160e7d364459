import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Clock } from '../../../env/clock.ts';
import { BodyBudget } from './body-budget.ts';
import { IdleWatch } from './idle-watch.ts';
import { ownBuffers } from './gathered-body.ts';
import { readBody, type ReadBodyOptions } from './read-body.ts';

/** A request that sends these pieces, and says this length beforehand or none. */
function requestOf(pieces: readonly string[], declared?: number): IncomingMessage {
  const stream = new PassThrough();
  const headers = declared === undefined ? {} : { 'content-length': String(declared) };
  for (const piece of pieces) stream.write(piece);
  stream.end();
  return Object.assign(stream, { headers }) as unknown as IncomingMessage;
}

/** A clock whose turns are taken by hand. */
function handClock(): { readonly clock: Clock; readonly turn: () => void } {
  const turns = new Set<() => void>();
  const every = (_periodMs: number, run: () => void) => {
    turns.add(run);
    return { cancel: () => turns.delete(run) };
  };
  return { clock: { every } as unknown as Clock, turn: () => [...turns].forEach((run) => run()) };
}

function optionsOf(bytesMax: number, more: Partial<ReadBodyOptions> = {}): ReadBodyOptions {
  const idle = new IdleWatch(handClock().clock, 10);
  const place = new BodyBudget(1_000_000).open();
  return { bytesMax, place, idle, buffers: ownBuffers, ...more };
}

/** Counts what is lent and not back yet. */
function countedBuffers() {
  const out = new Set<unknown>();
  const buffers = {
    lend: (lengthBytes: number) => {
      const lent = new Uint8Array(lengthBytes);
      out.add(lent.buffer);
      return lent;
    },
    giveBack: ({ buffer }: Uint8Array) => {
      expect(out.delete(buffer)).toBe(true);
    },
  };
  return { buffers, outCount: () => out.size };
}

test.each([
  { pieces: [], declared: 0 },
  { pieces: [], declared: undefined },
  { pieces: ['one', 'two', 'three'], declared: 11 },
  { pieces: ['one', 'two', 'three'], declared: undefined },
  { pieces: ['x'.repeat(70_000), 'y'.repeat(70_000)], declared: undefined },
])('request body: %j comes whole, in a buffer that is lent to it', async (one) => {
  const { buffers, outCount } = countedBuffers();
  const body = await readBody(requestOf(one.pieces, one.declared), optionsOf(200_000, { buffers }));
  expect(body.toString()).toBe(one.pieces.join(''));
  // Smaller ones that it has grown out of are back.
  expect(outCount()).toBe(1);
  buffers.giveBack(body);
  expect(outCount()).toBe(0);
});

test('request body: past the limit it is refused, by the length it says or the bytes that come', async () => {
  const tooLarge = { code: 'too_large', message: 'Request Entity Too Large' };
  await expect(readBody(requestOf(['abcd'], 4), optionsOf(3))).rejects.toMatchObject(tooLarge);
  await expect(readBody(requestOf(['ab', 'cd']), optionsOf(3))).rejects.toMatchObject(tooLarge);
  await expect(readBody(requestOf(['abcd'], 4), optionsOf(4))).resolves.toHaveLength(4);
  await expect(readBody(requestOf(['abcd'], 4), optionsOf(0))).resolves.toHaveLength(4);
});

/** A request of which the test sends the pieces. */
function openRequest(declared: number): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), {
    headers: { 'content-length': String(declared) },
  }) as never;
}

const gone = { code: 'cancelled' };

test('request body: a client that sends nothing any more is left', async () => {
  const { clock, turn } = handClock();
  const request = openRequest(1_000);
  const body = readBody(request, optionsOf(2_000, { idle: new IdleWatch(clock, 10) }));
  const left = expect(body).rejects.toMatchObject(gone);
  request.write('some');
  await new Promise(setImmediate);
  turn();
  expect(request.destroyed).toBe(false);
  turn();
  await left;
  expect(request.destroyed).toBe(true);
});

test('request body: who waits for a place in the budget is not left for that', async () => {
  const { clock, turn } = handClock();
  const budget = new BodyBudget(100);
  const oldest = budget.open();
  void oldest.take(100);
  const request = openRequest(4);
  const body = readBody(
    request,
    optionsOf(2_000, { idle: new IdleWatch(clock, 10), place: budget.open() }),
  );
  request.end('some');
  await new Promise(setImmediate);
  turn();
  turn();
  let isRead = false;
  void body.then(() => (isRead = true));
  await new Promise(setImmediate);
  expect(isRead).toBe(false);
  oldest.close();
  expect((await body).toString()).toBe('some');
});

test('request body: of one that is refused or left nothing stays lent', async () => {
  const { buffers, outCount } = countedBuffers();
  await expect(readBody(requestOf(['ab', 'cd']), optionsOf(3, { buffers }))).rejects.toThrow();
  expect(outCount()).toBe(0);
  await expect(readBody(requestOf(['abcd'], 4), optionsOf(3, { buffers }))).rejects.toThrow();
  expect(outCount()).toBe(0);
  const request = openRequest(1_000);
  const body = readBody(request, optionsOf(2_000, { buffers }));
  expect(outCount()).toBe(1);
  request.destroy();
  await expect(body).rejects.toMatchObject(gone);
  expect(outCount()).toBe(0);
});

test('request body: a client that leaves is no error of ours', async () => {
  const request = openRequest(1_000);
  const body = readBody(request, optionsOf(2_000));
  request.write('some');
  const left = expect(body).rejects.toMatchObject(gone);
  request.destroy();
  await left;
});

test('request body: an announced length takes no memory before it comes', async () => {
  const request = openRequest(1_000_000_000);
  const before = process.memoryUsage().arrayBuffers;
  const body = readBody(request, optionsOf(0));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8_000_000);
  request.destroy();
  await expect(body).rejects.toMatchObject(gone);
});

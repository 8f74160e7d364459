import { expect, test } from 'vitest';
import { MiB } from '../../base/units.ts';
import type { InboundConnection } from '../../env/inbound.ts';
import { LineConnection, type HeldLines } from './line-connection.ts';

/** Connections of one listener, by how many bytes of a line without an end each has sent. */
class Listener {
  readonly held: HeldLines = { bytes: 0 };
  readonly lines: number[] = [];
  readonly closed: number[] = [];
  #count = 0;

  connect(): LineConnection {
    const number = ++this.#count;
    const connection = { destroy: () => this.closed.push(number) } as unknown as InboundConnection;
    const line = (_: Uint8Array, start: number, end: number) => this.lines.push(end - start);
    return new LineConnection(connection, this.held, { line, tooLong: () => undefined });
  }
}

const longest = 65_536;
const part = new Uint8Array(longest).fill(120);
const newline = Uint8Array.of(10);

test('line connections: lines that have not ended take no more than 64 MiB, all connections together, and come back', () => {
  const listener = new Listener();
  const ofOthers = 64 * MiB - 2 * longest;
  listener.held.bytes = ofOthers;
  const [one, two, more] = [listener.connect(), listener.connect(), listener.connect()];
  for (const each of [one, two]) each.took(part);
  expect([listener.held.bytes, listener.closed]).toEqual([64 * MiB, []]);
  more.took(part.subarray(0, 1));
  expect(listener.closed).toEqual([3]);
  more.closed();
  one.took(newline);
  two.closed();
  expect(listener.lines).toEqual([longest]);
  expect(listener.held.bytes).toBe(ofOthers);
  listener.connect().took(part);
  expect(listener.closed).toHaveLength(1);
});

test('line connections: what a sender that leaves has sent of a line is none', () => {
  const listener = new Listener();
  const one = listener.connect();
  one.took(Uint8Array.of(97, 10, 98));
  one.ended();
  one.closed();
  expect([listener.lines, listener.closed, listener.held.bytes]).toEqual([[1], [1], 0]);
});

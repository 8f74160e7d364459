import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import type { LogFields } from '../env/log.ts';
import type { RpcHandlers } from '../env/transport.ts';
import { traced } from './traced-handlers.ts';

test('traced handlers: each request is told of once it has ended, also one that failed or whose asker left', async () => {
  const lines: LogFields[] = [];
  let nowMs = 0;
  const handlers: RpcHandlers = {
    admit: () => ({ kind: 'call', requestBytesMax: 9, isTrusted: true }),
    call: (method) => {
      nowMs += 2.5;
      if (method === '/fails') throw new DbError('unavailable', 'gone');
      return Promise.resolve(new Uint8Array(5));
    },
    async *stream() {
      yield await Promise.resolve(new Uint8Array(3));
      yield new Uint8Array(4);
    },
  };
  const log = { info: (_: string, fields: LogFields = {}) => void lines.push(fields) };
  const one = traced(handlers, { clock: { monotonicMs: () => nowMs }, log });
  const context = { signal: new AbortController().signal };
  expect(await one.call('/is-answered', new Uint8Array(1), context)).toHaveLength(5);
  await expect(one.call('/fails', new Uint8Array(2), context)).rejects.toThrow('gone');
  for await (const part of one.stream('/streams', new Uint8Array(3), context)) if (part.length > 3) break; // prettier-ignore
  for await (const part of one.stream('/is-left', new Uint8Array(3), context)) if (part.length > 0) break; // prettier-ignore
  const said = lines.map((fields) => Object.values(fields));
  expect(said).toEqual([
    ['/is-answered', 1, 5, 2.5, undefined],
    ['/fails', 2, 0, 2.5, 'gone'],
    ['/streams', 3, 7, 0, undefined],
    ['/is-left', 3, 3, 0, undefined],
  ]);
});

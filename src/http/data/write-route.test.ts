import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { WriteRequest } from '../../data/write/body-routes.ts';
import { admitWrite, writeBody, type WriteParts, type WritingRequest } from './write-route.ts';

/** Bodies as the log has them. */
async function traced(body: string, tracesWrites: boolean): Promise<readonly unknown[]> {
  const told: unknown[] = [];
  const written: WriteRequest[] = [];
  const ports = {
    log: {
      info: (text: string, fields: { readonly body: string }) => told.push([text, fields.body]),
    },
    writer: { write: (request: WriteRequest) => Promise.resolve(written.push(request)) },
  };
  const parts = {
    ports,
    options: { writeTimeoutMs: 1, bodyBytesMax: 0, tracesWrites },
    counters: { addPoints: () => undefined },
  } as unknown as WriteParts;
  const target = { database: 'd', retentionPolicy: '', stepNs: 1n };
  const request = {
    method: 'POST',
    url: '/write?db=d',
    ip: '',
    headers: {},
    urlParameters: undefined,
    principal: undefined,
  };
  await writeBody(request, { target, body: Buffer.from(body) }, parts);
  expect(written).toHaveLength(1);
  return told;
}

test('write: bodies go to the log where write-tracing is on, and no line of it is endless', async () => {
  expect(await traced('m v=1 é', false)).toEqual([]);
  const text = 'Write body received by handler';
  expect(await traced('m v=1 é', true)).toEqual([[text, 'm v=1 é']]);
  expect((await traced('x'.repeat(600_000), true))[0]).toEqual([
    text,
    `${'x'.repeat(524_288)}... and 75712 bytes more`,
  ]);
});

test('write: that a database is not there is told once the metas were asked', async () => {
  const databases = new Set<string>();
  const writer = {
    checkDatabase: (name: string) => {
      if (!databases.has(name)) throw new DbError('database_not_found', 'not found');
    },
  };
  const principal = { isKnown: true, may: () => true, rules: () => undefined };
  const request = { method: 'POST', url: '/write?db=d', ip: '', headers: {}, urlParameters: undefined, principal } as unknown as WritingRequest; // prettier-ignore
  const admit = (settleCatalog?: () => Promise<void>) =>
    admitWrite(request, { writer, settleCatalog } as unknown as Parameters<typeof admitWrite>[1]);
  expect(() => admit()).toThrow('not found');
  await expect(admit(() => Promise.resolve())).rejects.toThrow('not found');
  const down = new DbError('unavailable', 'meta service unavailable');
  await expect(admit(() => Promise.reject(down))).rejects.toThrow('meta service unavailable');
  await admit(() => Promise.resolve(void databases.add('d')));
  expect(admit(() => Promise.reject(down))).toBeUndefined();
});

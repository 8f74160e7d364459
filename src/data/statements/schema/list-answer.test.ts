import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../../test/support/memory-meta.ts';
import { DbError } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Random } from '../../../env/random.ts';
import type { Log } from '../../../env/log.ts';
import { parseQuery } from '../../../influxql/parser.ts';
import { decodeRequest } from '../../engine/lists/list-request-text.ts';
import { ListPacker, type PackedList } from '../../engine/lists/packed-list.ts';
import type { MeasurementDescription } from '../../engine/shard-access.ts';
import { everyone } from '../principal.ts';
import { QueryRegistry } from '../queries/query-registry.ts';
import { StatementExecutor, type StatementPorts } from '../statement-executor.ts';

const measurements: readonly MeasurementDescription[] = [
  { name: 'a', fields: [['v', 'float']], tagKeys: ['host'] },
  { name: 'b<', fields: [['v', 'integer']], tagKeys: ['host', 'job'] },
];

/** A node of one worker that gives lists as bytes and no others; `give` makes what stands for each measurement and key. */
async function nodeOf(
  give: (packer: ListPacker, request: ReturnType<typeof decodeRequest>) => Iterable<PackedList>,
) {
  // prettier-ignore
  const meta = new MemoryMeta();
  const addresses = { httpAddress: 'localhost:8086', tcpAddress: 'localhost:8088' };
  await meta.execute({ kind: 'create-data-node', ...addresses, dataNodesMax: 1 });
  await meta.execute({ kind: 'create-database', name: 'd' });
  await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  const seen = { listCount: 0, charged: 0, endCount: 0 };
  const access = {
    describe: (shardIds: readonly number[]) => Promise.resolve({ measurements, lanes: [shardIds] }), // prettier-ignore
    list: async function* () {
      seen.listCount++;
      yield await Promise.resolve([{ at: 0, key: 'host', texts: ['of the general way'] }]);
    },
    packedList: async function* (_lane: readonly number[], body: string) {
      try {
        for (const part of give(new ListPacker(), decodeRequest(body))) yield await Promise.resolve(part); // prettier-ignore
      } finally {
        seen.endCount++;
      }
    },
  };
  const clock = { monotonicMs: () => 0, wallNs: () => 0n } as unknown as Clock;
  const log = {} as Log;
  const registry = new QueryRegistry({ clock, log }, { concurrentMax: 1, slowAfterMs: 0, logsTimedOut: false }); // prettier-ignore
  const account = {
    charge: (bytes: number) => void (seen.charged += bytes),
    release: (bytes: number) => void (seen.charged -= bytes),
    close: () => void (seen.charged = 0),
  };
  const shards = { of: () => access, missedAt: () => 0 };
  const random = { u32: () => 0 } as unknown as Random;
  const ports = { clock, log, registry, meta, shards, random, accounts: { open: () => account } };
  const executor = new StatementExecutor(ports as unknown as StatementPorts);
  const ask = async (q: string, heldBytesMax = 1 << 20): Promise<string | undefined> => {
    const statements = parseQuery(q);
    const place = { database: 'd', retentionPolicy: '', principal: everyone, isReadOnly: true };
    const { signal } = new AbortController();
    const query = { statements, ...place, bucketsMax: 0, timeoutMs: 0, heldBytesMax, signal };
    const started = await executor.answer(query, { epochUnitNs: 1n });
    if (started?.kind !== 'parts') return started?.bytes.toString();
    const parts = [...started.taken];
    for await (const part of started.parts) parts.push(part);
    return Buffer.concat(parts).toString();
  };
  return { ask, seen, registry };
}

function* valuesOf(packer: ListPacker, { measurements: asked }: ReturnType<typeof decodeRequest>) {
  for (const [at, { name, tagKeys = [] }] of asked.entries())
    for (const key of tagKeys) {
      for (const value of ['1', '2"']) packer.pile.addText(`${name}${key}${value}`);
      packer.endRun(at, key);
    }
  yield* packer.take();
}

test('list answer: rows of bytes are the document, and nobody is asked for texts', async () => {
  const { ask, seen } = await nodeOf(valuesOf);
  const head = '{"results":[{"statement_id":0';
  expect(await ask('SHOW TAG VALUES WITH KEY IN (host, job)')).toBe(`${head},"series":[{"name":"a","columns":["key","value"],"values":[["host","ahost1"],["host","ahost2\\""]]},{"name":"b\\u003c","columns":["key","value"],"values":[["host","b\\u003chost1"],["host","b\\u003chost2\\""],["job","b\\u003cjob1"],["job","b\\u003cjob2\\""]]}]}]}\n`); // prettier-ignore
  expect(await ask('SHOW TAG VALUES WITH KEY IN (host, job) LIMIT 1 OFFSET 2')).toBe(`${head},"series":[{"name":"b\\u003c","columns":["key","value"],"values":[["job","b\\u003cjob1"]]}]}]}\n`); // prettier-ignore
  expect(await ask('SHOW TAG VALUES FROM c WITH KEY = host')).toBe(`${head}}]}\n`);
  expect(seen).toMatchObject({ listCount: 0, charged: 0 });
});

test('list answer: what fails before anything has left is asked the general way, and counts once', async () => {
  const { ask, registry } = await nodeOf(function* (packer, request) {
    yield* valuesOf(packer, request);
    throw new Error('a bug');
  });
  expect(await ask('SHOW TAG VALUES WITH KEY = host')).toBeUndefined();
  const [{ values } = { values: {} }] = registry.statistics();
  expect(values).toMatchObject({ queriesFinished: 0, queriesActive: 0 });
});

test('list answer: a list that fails once its first part has left ends with the error', async () => {
  const { ask, seen } = await nodeOf(function* (packer) {
    for (let i = 0; i < 4; i++) {
      for (let n = 0; n < 3_000; n++) packer.pile.addText(`value_${10_000 * (i + 1) + n}_${'x'.repeat(20)}`); // prettier-ignore
      packer.endRun(0, 'host');
      yield* packer.take();
    }
    throw new DbError('io_error', 'the disk is gone');
  });
  const text = (await ask('SHOW TAG VALUES WITH KEY = host', 1)) ?? '';
  const { results } = JSON.parse(text) as { results: { series: { values: string[][] }[]; error: string }[] }; // prettier-ignore
  expect(results[0]?.error).toBe('the disk is gone');
  expect(results[0]?.series[0]?.values.length).toBeGreaterThan(1_000);
  expect(seen.endCount).toBe(1);
});

test('list answer: a field of several types has a row for each, field by field', async () => {
  const { ask } = await nodeOf(function* (packer) {
    for (const type of ['float', 'string']) {
      for (const field of ['a', type === 'float' ? 'b' : 'c']) packer.pile.addText(field);
      packer.endRun(0, type);
    }
    yield* packer.take();
  });
  expect(await ask('SHOW FIELD KEYS FROM a')).toContain('"values":[["a","float"],["a","string"],["b","float"],["c","string"]]'); // prettier-ignore
});

test('list answer: series stand tag by tag where their bytes have another order', async () => {
  const keys = ['m,h=a!', 'm,h=a,i=1', 'm,h=b'];
  const { ask } = await nodeOf(function* (packer) {
    for (const key of keys) packer.pile.addText(key);
    packer.endRun(0, '');
    yield* packer.take();
  });
  expect(await ask('SHOW SERIES FROM a')).toContain('"values":[["m,h=a,i=1"],["m,h=a!"],["m,h=b"]]'); // prettier-ignore
});

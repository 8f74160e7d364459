import { expect, test } from 'vitest';
import type { Clock } from '../../../env/clock.ts';
import type { Random } from '../../../env/random.ts';
import { everyone } from '../../../data/statements/principal.ts';
import { QueryRegistry } from '../../../data/statements/queries/query-registry.ts';
import { StatementExecutor, type StatementPorts } from '../../../data/statements/statement-executor.ts'; // prettier-ignore
import type { Log } from '../../../env/log.ts';
import { KnownTexts } from '../../../influxql/known-texts.ts';
import { MemoryMeta } from '../../../../test/support/memory-meta.ts';
import { answerFormat } from './answer-format.ts';
import { startWhole } from './start-whole.ts';

/** A node of one shard whose measurements and their version a test sets. */
async function nodeOf() {
  const state = { name: 'a', listVersion: 1, describeCount: 0 };
  const meta = new MemoryMeta();
  const addresses = { httpAddress: 'localhost:8086', tcpAddress: 'localhost:8088' };
  await meta.execute({ kind: 'create-data-node', ...addresses, dataNodesMax: 1 });
  await meta.execute({ kind: 'create-database', name: 'd' });
  await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  const access = {
    get listVersion() {
      return state.listVersion;
    },
    describe: (shardIds: readonly number[]) => {
      state.describeCount++;
      const measurements = [{ name: state.name, fields: [], tagKeys: [] }];
      return Promise.resolve({ measurements, lanes: [shardIds] });
    },
  };
  const clock = { monotonicMs: () => 0, wallNs: () => 0n } as unknown as Clock;
  const log = {} as Log;
  const registry = new QueryRegistry({ clock, log }, { concurrentMax: 1, slowAfterMs: 0, logsTimedOut: false }); // prettier-ignore
  const shards = { of: () => access, missedAt: () => 0 };
  const random = { u32: () => 0 } as unknown as Random;
  const executor = new StatementExecutor({ clock, log, registry, meta, shards, random } as unknown as StatementPorts); // prettier-ignore
  const texts = new KnownTexts();
  const ask = async (pretty = false): Promise<string> => {
    const query = {
      statements: texts.parse('SHOW MEASUREMENTS'),
      ...{ database: 'd', retentionPolicy: '', principal: everyone, isReadOnly: true },
      ...{ bucketsMax: 0, timeoutMs: 0, signal: new AbortController().signal },
    };
    const format = answerFormat('', { epochUnitNs: undefined, pretty });
    const started = await startWhole(query, format, { ports: { executor, clock }, rowsMax: 0 });
    if (started.kind === 'whole') return started.bytes.toString();
    const parts = [...started.taken];
    for await (const part of started.parts) parts.push(part);
    return Buffer.concat(parts).toString();
  };
  return { state, ask, registry };
}

test('start whole: a list that is asked again is not made again, and counts as a query that ran', async () => {
  const { state, ask, registry } = await nodeOf();
  const first = await ask();
  expect(first).toContain('"values":[["a"]]');
  for (let time = 0; time < 5; time++) expect(await ask()).toBe(first);
  expect(state.describeCount).toBe(2);
  const [{ values } = { values: {} }] = registry.statistics();
  expect(values).toMatchObject({ queriesExecuted: 6, queriesFinished: 6, queriesActive: 0 });
});

test('start whole: a kept list is stale only while nobody tells of a change, which is what the version is for', async () => {
  const { state, ask } = await nodeOf();
  for (let time = 0; time < 3; time++) await ask();
  // The planted fault: a series comes, and its worker does not say so.
  state.name = 'b';
  expect(await ask()).toContain('[["a"]]');
  state.listVersion++;
  for (let time = 0; time < 3; time++) expect(await ask()).toContain('[["b"]]');
});

test('start whole: a list of several parts is kept as one, a longer one leaves in parts each time', async () => {
  const { state, ask } = await nodeOf();
  state.name = 'm'.repeat(900_000);
  for (let time = 0; time < 4; time++) expect((await ask()).includes(state.name)).toBe(true);
  expect(state.describeCount).toBe(2);
  state.name = 'n'.repeat(1_100_000);
  state.listVersion++;
  for (let time = 0; time < 3; time++) expect((await ask()).includes(state.name)).toBe(true);
  expect(state.describeCount).toBe(5);
});

test('start whole: what is kept is for nobody whom a limit refuses', async () => {
  const { ask, registry } = await nodeOf();
  for (let time = 0; time < 3; time++) await ask();
  const held = registry.start({ text: () => '', database: '', user: '', timeoutMs: 0, signal: new AbortController().signal }); // prettier-ignore
  expect(await ask()).toContain('max-concurrent-queries limit exceeded(1, 1)');
  held.done();
  expect(await ask()).toContain('[["a"]]');
});

test('start whole: an indented list is made each time', async () => {
  const { state, ask } = await nodeOf();
  for (let time = 0; time < 3; time++) await ask(true);
  expect(state.describeCount).toBe(3);
});

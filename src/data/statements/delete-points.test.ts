import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { makeStamp, stampNs, type Stamp } from '../../models/stamp.ts';
import { awaitedShardError } from '../../storage/engine/awaited-shard.ts';
import { StampClock } from '../write/stamp-clock.ts';
import type { DeletePointsRequest, MeasurementDescription } from '../engine/shard-access.ts';
import { deletePoints, type DeletePorts, type DeleteStatement } from './delete-points.ts';

/** Shard 1 of nodes 4 and 5, shard 2 of node 5 or another one; node 6 owns nothing. */
function catalogOf(nodeIds: readonly number[], owner = 5): Catalog {
  const shards = [
    { id: 1, owners: [4, 5] },
    { id: 2, owners: [owner] },
  ];
  const own = shards.map(({ id, owners }) => ({ id, owners: owners.filter((one) => nodeIds.includes(one)) })); // prettier-ignore
  const shardGroups = [{ id: 1, startNs: 0n, endNs: 1n << 62n, shards: own }];
  const policy = { name: 'p', shardGroups };
  const databases = Databases.of([{ name: 'd', defaultRetentionPolicy: 'p', retentionPolicies: [policy] }] as never); // prettier-ignore
  const dataNodes = nodeIds.map((id) => ({ id })) as never;
  return { ...emptyCatalog, dataNodes, databases, index: 7 };
}

const measurement = (name: string): MeasurementDescription => ({ name, fields: [['v', 'float']], tagKeys: ['h'] }); // prettier-ignore

interface Told {
  /** As `node: shards measurements`. */
  readonly deletes: string[];
  readonly kept: string[];
  readonly stamps: (Stamp | undefined)[];
}

/** Node 4 runs the statement; node 5 is ahead by its clock. */
async function run(
  text: string,
  { nodeIds = [4, 5, 6], isDown = false, known = { 4: ['m'], 5: ['m', 'n'] }, toldNs = 5_000n, moved, awaited = {} }: { readonly nodeIds?: readonly number[]; readonly isDown?: boolean; readonly known?: Readonly<Record<number, readonly string[]>>; readonly toldNs?: bigint; readonly awaited?: Readonly<Record<number, readonly number[]>>; readonly moved?: { readonly error: DbError; readonly isHeard: boolean } } = {}, // prettier-ignore
): Promise<Told & { readonly error: string }> {
  const told: Told = { deletes: [], kept: [], stamps: [] };
  let nowMs = 0;
  const sleep = (ms: number): Promise<void> => {
    nowMs += ms;
    if (moved?.isHeard === true) meta.catalog = catalogOf(nodeIds, 6);
    return Promise.resolve();
  };
  const clock = { wallNs: () => 1_000n, monotonicMs: () => nowMs, sleep };
  const meta = { catalog: catalogOf(nodeIds), nodeId: 4 };
  const stamps = new StampClock({ clock, nodeId: () => 4, random: { u32: () => 1 } });
  const away = new DbError('unavailable', 'connection refused');
  const textOf = (nodeId: number, { shardIds, measurements }: DeletePointsRequest): string =>
    `${nodeId}: ${shardIds.join()} ${measurements.map(({ name }) => name).join()}`;
  const of = (nodeId: number) => ({
    describe: (shardIds: readonly number[]) => {
      if (isDown && nodeId === 5) return Promise.reject(away);
      const lacking = awaited[nodeId]?.find((id) => shardIds.includes(id));
      if (lacking !== undefined) return Promise.reject(awaitedShardError(lacking));
      const measurements = (known[nodeId] ?? []).map(measurement);
      return Promise.resolve({
        measurements,
        lanes: [],
        stampNs: nodeId === 5 ? toldNs : undefined,
      });
    },
    deletePoints: async (request: DeletePointsRequest) => {
      if (isDown && nodeId !== 4) throw away;
      if (nodeId === 5 && request.shardIds.includes(2) && moved !== undefined) throw moved.error;
      // Those that are away have said so before an owner is done.
      await new Promise(setImmediate);
      told.deletes.push(textOf(nodeId, request));
      told.stamps.push(request.stamp);
    },
  });
  const ports = {
    ...{ clock, meta, shards: { of } },
    stamps,
    keepDelete: (nodeId: number, request: DeletePointsRequest) => {
      told.kept.push(textOf(nodeId, request));
      return Promise.resolve();
    },
  } as unknown as DeletePorts;
  const [statement] = parseQuery(text);
  const { signal } = new AbortController();
  const context = { database: 'd', retentionPolicy: '', nowNs: 0n, signal };
  const error = await deletePoints(statement as DeleteStatement, context, ports).then(
    () => '',
    (failure: unknown) => (failure as Error).message,
  );
  told.deletes.sort();
  return { ...told, error };
}

test('delete: all owners get all measurements that any of them knows, and the others the stamp alone', async () => {
  const { deletes, stamps, error } = await run("DELETE WHERE h = 'a'");
  expect(error).toBe('');
  expect(deletes).toEqual(['4: 1 m,n', '5: 1,2 m,n', '6:  ']);
  expect(new Set(stamps).size).toBe(1);
  // Later than what an owner has taken whose clock is ahead.
  expect(stampNs(stamps[0] ?? 0n)).toBeGreaterThan(5_000n);
});

test('delete: what is named and only on its way counts too, unless its condition would be refused', async () => {
  expect((await run('DROP MEASUREMENT x')).deletes).toEqual(['4: 1 x', '5: 1,2 x', '6:  ']);
  expect((await run('DELETE FROM x, m')).deletes[0]).toBe('4: 1 m,x');
  const odd = await run("DELETE FROM x WHERE h > 'a'");
  expect([odd.deletes, odd.error]).toEqual([[], '']);
  expect((await run('DELETE FROM /x/')).deletes).toEqual([]);
});

test('delete: the empty name is that of no measurement, though SHOW takes it for all', async () => {
  for (const text of ['DROP MEASUREMENT ""', 'DELETE FROM ""', 'DELETE FROM p."" WHERE h = \'a\'', 'DROP SERIES FROM "", ""'])
    expect([text, (await run(text)).deletes, (await run(text, { nodeIds: [4] })).deletes]).toEqual([text, [], []]);
  expect((await run('DELETE FROM "", m')).deletes).toEqual(['4: 1 m', '5: 1,2 m', '6:  ']);
}); // prettier-ignore

test('delete: an owner that is away is told of, and gets it later; another node that is away does not matter', async () => {
  const { deletes, kept, error } = await run('DROP MEASUREMENT m', { isDown: true });
  expect(error).toBe('partial success, node 5 may be down (connection refused)');
  expect(deletes).toEqual(['4: 1 m']);
  expect(kept).toEqual(['5: 1,2 m']);
});

test('delete: a shard that an owner has yet to be brought another one describes, and that owner deletes too; of one that nobody else has it is told', async () => {
  const { deletes, stamps, error } = await run("DELETE WHERE h = 'a'", { awaited: { 5: [1] } });
  expect(error).toBe('');
  expect(deletes).toEqual(['4: 1 m,n', '5: 1,2 m,n', '6:  ']);
  expect(stampNs(stamps[0] ?? 0n)).toBeGreaterThan(5_000n);
  const alone = await run("DELETE WHERE h = 'a'", { awaited: { 5: [2] } });
  expect(alone.error).toBe('partial success, node 5 may be down (shard 2 is being copied to this node)'); // prettier-ignore
});

test('delete: a single node needs no stamp, as nobody brings anything late', async () => {
  const { deletes, stamps } = await run('DROP MEASUREMENT m', { nodeIds: [4] });
  expect(deletes).toEqual(['4: 1 m']);
  expect(stamps).toEqual([undefined]);
  expect((await run('DROP MEASUREMENT x', { nodeIds: [4] })).deletes).toEqual([]);
});

test('delete: its stamp is later than any that came before it', async () => {
  const { stamps } = await run('DROP MEASUREMENT m');
  expect(stamps[0]).toBeGreaterThan(makeStamp(5_000n, 0xff_ff_ff_ff));
});

test('delete: its stamp is later than what a clock that was years ahead has left', async () => {
  const toldNs = 100_000_000_000_000_000n;
  const { stamps } = await run('DROP MEASUREMENT m', { toldNs });
  expect(stamps[0]).toBeGreaterThan(makeStamp(toldNs, 0xff_ff_ff_ff));
});

test('delete: DROP SERIES refuses a comparison that begins with time before it looks at it, and no other, as 1.12.4 does', async () => {
  const refusal = "DROP SERIES doesn't support time in WHERE clause";
  for (const condition of ['time > 3', 'time != 3', "time > 'soon'", "h = 'a' AND (time = 3)"])
    expect((await run(`DROP SERIES FROM m WHERE ${condition}`)).error).toBe(refusal);
  const { error, deletes } = await run('DROP SERIES FROM m WHERE 3 > time');
  expect([error, deletes.length]).toEqual(['', 3]);
  expect((await run('DELETE FROM m WHERE time != 3')).error).toBe('invalid time comparison operator: !='); // prettier-ignore
});

test('delete: a number beside a tag, whose values are texts, deletes nothing', async () => {
  for (const text of ['DELETE FROM m WHERE h = 7', 'DROP SERIES FROM m WHERE h != 7', 'DELETE FROM m WHERE nosuch = true']) {
    const { error, deletes } = await run(text);
    expect([error, deletes]).toEqual(['shard 1: fields not supported in WHERE clause during deletion', []]);
  }
}); // prettier-ignore

test.each([
  ['is not there any more', new DbError('unavailable', 'shard 2 is not on this node')],
  ['goes as it is deleted from', new DbError('shard_not_found', 'shard is deleted')],
])('delete: a shard that %s is deleted from at its owner of now', async (_what, error) => {
  const told = await run('DELETE FROM m', { moved: { error, isHeard: true } });
  expect(told.error).toBe('');
  expect(told.deletes.slice(-3)).toEqual(['5: 1 m', '6:  ', '6: 2 m']);
  const unheard = await run('DELETE FROM m', { moved: { error, isHeard: false } });
  expect(unheard.error).toContain(error.message);
});

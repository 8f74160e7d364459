import { expect, test } from 'vitest';
import type { Clock } from '../../env/clock.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { Databases } from '../../meta/model/databases.ts';
import { stampNs, stampOfBatch } from '../../models/stamp.ts';
import { routeLines } from '../engine/lines/route-lines.ts';
import { partBatch, type PartTask } from '../engine/lines/part-batch.ts';
import { LaggingOwners } from '../shards/lagging-owners.ts';
import { PointsWriter } from './points-writer.ts';
import { StampClock } from './stamp-clock.ts';
import type { Share, ShareOutcome } from './share.ts';

const parting = { partBatch: (task: PartTask) => Promise.resolve(partBatch(task)) };
const shards = [{ id: 3, owners: [4, 5] }];
const policy = { name: 'autogen', durationNs: 0n, replicaCount: 2, pastLimitNs: 0n, futureLimitNs: 0n, shardGroupDurationNs: 1_000n, shardGroups: [{ id: 1, startNs: 0n, endNs: 1_000n, shards }] }; // prettier-ignore
const databases = Databases.of([{ name: 'd', defaultRetentionPolicy: 'autogen', retentionPolicies: [policy] }]); // prettier-ignore

const good = { droppedCount: 0, reason: '' };
const nowNs = 1_000_000_000n;

/** The stamps that owners get, as `owner ns`, of one write that owner 5 answers so, and then that it has the points. */
async function sent(first: ShareOutcome, rest: ShareOutcome = { kind: 'written', receipt: good }) {
  const now = { ms: 0 };
  const clock = {
    wallNs: () => nowNs,
    monotonicMs: () => now.ms,
    after: () => ({ cancel: () => undefined }),
  } as unknown as Clock;
  const stamps: string[] = [];
  const texts: string[] = [];
  const send = (owner: number, { payload }: { readonly payload: Uint8Array }): Share => {
    stamps.push(`${owner} ${stampNs(stampOfBatch(payload)) - nowNs}`);
    texts.push(Buffer.from(payload).toString('latin1').includes('tag=a') ? 'points' : 'none');
    // So long a call takes.
    now.ms = 2;
    const answers = stamps.length > shards.length * 2 ? rest : owner === 5 ? first : { kind: 'written', receipt: good } as const; // prettier-ignore
    return { accepted: Promise.resolve(), outcome: Promise.resolve(answers) };
  };
  const writer = new PointsWriter({
    ...parting,
    clock,
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 2 } }),
    meta: { catalog: { databases, index: 1 }, nodeId: 1 } as unknown as MetaAccess,
    shares: { send },
    lagging: new LaggingOwners(
      () => true,
      () => 0,
    ),
    routeLines: (task) => Promise.resolve(routeLines(task)),
  });
  const body = new TextEncoder().encode('m,tag=a f=1 1');
  const request = { database: 'd', retentionPolicy: '', stepNs: 1n, level: 'all', timeoutMs: 1_000 } as const; // prettier-ignore
  const text = await writer.write({ ...request, body }).then(
    () => 'written',
    (error: unknown) => String(error),
  );
  const [{ values } = { values: {} }] = writer.statistics();
  return { stamps, texts: new Set(texts), text, values };
}

const newer = (ns: bigint): ShareOutcome => ({ kind: 'written', receipt: { ...good, newerNs: nowNs + ns } }); // prettier-ignore

test('overtaken writes: what an owner has of a clock ahead is overtaken before anybody is told, once', async () => {
  const far = 5_000_000_000n;
  const { stamps, texts, text, values } = await sent(newer(far), newer(2n * far));
  expect(stamps).toEqual(['4 0', '5 0', `4 ${far + 1n}`, `5 ${far + 1n}`]);
  expect([...texts]).toEqual(['points']);
  expect(text).toBe('written');
  expect(values).toMatchObject({ pointReq: 1, pointReqRemote: 2, pointsWrittenOK: 1, writeOk: 1 });
});

test('overtaken writes: what was taken while it was written is left where it is', async () => {
  expect((await sent(newer(1_500_000n))).stamps).toEqual(['4 0', '5 0']);
});

test('overtaken writes: the client hears what became of the second', async () => {
  const { text, values } = await sent(newer(5_000_000_000n), { kind: 'lost', error: new Error('disk') }); // prettier-ignore
  expect(text).toContain('write failed: disk');
  expect(values).toMatchObject({ writeError: 1, writeOk: 0 });
});

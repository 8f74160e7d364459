import { expect, test } from 'vitest';
import type { Clock } from '../../env/clock.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { Databases } from '../../meta/model/databases.ts';
import { routeLines } from '../engine/route-lines.ts';
import type { OwnerReceipt } from '../engine/shard-access.ts';
import { LaggingOwners } from '../shards/lagging-owners.ts';
import { PointsWriter, type WrittenBody } from './points-writer.ts';
import type { Share } from './share.ts';

const clock = {
  wallNs: () => 0n,
  after: () => ({ cancel: () => undefined }),
} as unknown as Clock;
const policy = {
  name: 'autogen',
  durationNs: 0n,
  replicaCount: 1,
  pastLimitNs: 0n,
  futureLimitNs: 0n,
  shardGroupDurationNs: 1_000n,
  shardGroups: [{ id: 1, startNs: 0n, endNs: 1_000n, shards: [{ id: 3, owners: [4] }] }],
};
const database = { name: 'd', defaultRetentionPolicy: 'autogen', retentionPolicies: [policy] };

/** What a write answers when the one owner gives that receipt; how many batches it got. */
async function write(body: string, receipt: OwnerReceipt = { droppedCount: 0, reason: '' }) {
  let batchCount = 0;
  const sent: string[] = [];
  const subscribers = {
    areFor: (name: string, policyName: string) => `${name}.${policyName}` === 'd.autogen',
    send: ({ body: copy, retentionPolicy, stepNs, defaultTimeNs }: WrittenBody) =>
      sent.push(`${retentionPolicy} ${stepNs} ${defaultTimeNs} ${new TextDecoder().decode(copy)}`),
  };
  const shares = {
    send: (): Share => {
      batchCount++;
      return {
        accepted: Promise.resolve(),
        outcome: Promise.resolve({ kind: 'written', receipt }),
      };
    },
  };
  const writer = new PointsWriter({
    clock,
    meta: { catalog: { databases: Databases.of([database]) } } as unknown as MetaAccess,
    shares,
    lagging: new LaggingOwners(() => true),
    routeLines: (task) => Promise.resolve(routeLines(task)),
    subscribers,
  });
  const request = { database: 'd', retentionPolicy: '', stepNs: 1n, level: 'one', timeoutMs: 1_000 } as const; // prettier-ignore
  const text = await writer.write({ ...request, body: new TextEncoder().encode(body) }).then(
    () => 'written',
    (error: unknown) => String(error),
  );
  return { text, batchCount, sent };
}

const badTag = 'invalid tag key: input tag "time" on measurement "m" is invalid';
const badField = 'invalid field name: input field "time" on measurement "m" is invalid';
const stripped = '. Field "time" has been stripped from point.';

test.each([
  ['m f=1 1', 'written', 1],
  [
    'm,time=a f=1 1',
    `DbError: partial write: ${badTag} dropped=1 for database: d for retention policy: autogen`,
    0,
  ],
  [
    'm,time=a f=1 1\nm f=1 1',
    `DbError: partial write: ${badTag} dropped=1 for database: d for retention policy: autogen`,
    1,
  ],
  [
    'm time=1 1\nbad',
    `DbError: partial write: ${badField} dropped=1 for database: d for retention policy: autogen`,
    0,
  ],
  ['m time=1,f=1 1', `DbError: partial write: ${badField}${stripped} dropped=0 for database: d for retention policy: autogen`, 1], // prettier-ignore
  ['m f=1 1\nbad', `DbError: partial write: unable to parse 'bad': missing fields dropped=0 for database: d`, 1], // prettier-ignore
])('points writer: %j', async (body, text, batchCount) => {
  expect(await write(body)).toMatchObject({ text, batchCount });
});

test('points writer: points refused by name and by their owner are counted together', async () => {
  const receipt = { droppedCount: 2, reason: 'field type conflict' };
  const { text } = await write('m,time=a f=1 1\nm f=1 1\nm f=2 2\nm f=3 3', receipt);
  expect(text).toBe(
    `DbError: partial write: ${badTag} dropped=3 for database: d for retention policy: autogen`,
  );
});

test('points writer: subscribers get a body once, with points that no shard took, unless it has none', async () => {
  const body = 'm,time=a f=1 1\nm f=2\nbad';
  const { sent } = await write(body, { droppedCount: 1, reason: 'field type conflict' });
  expect(sent).toEqual([`autogen 1 0 ${body}`]);
  expect((await write('bad')).sent).toEqual([]);
});

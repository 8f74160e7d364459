import { deflateRawSync } from 'node:zlib';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { batchOf } from '../../../test/support/store-script.ts';
import { DbError } from '../../base/errors.ts';
import {
  digestMethod,
  pickedPointsMethod,
  rangePointsMethod,
  seriesDigestsMethod,
  sketchMethod,
  storedDeletesMethod,
} from '../../meta/client/digest-methods.ts';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { makeStamp } from '../../models/stamp.ts';
import type { CallMethod, StreamMethod } from '../../rpc/method.ts';
import { HashFilter } from '../engine/digests/hash-filter.ts';
import { packPoints } from '../engine/digests/packed-points.ts';
import { servedDigests, type ServedDigestsPorts } from './served-digests.ts';

const shards = [{ id: 7, owners: [4] }, { id: 9, owners: [5] }]; // prettier-ignore
const group = { id: 1, startNs: 0n, endNs: 9n, shards };
const databases = Databases.of([{ name: 'db', retentionPolicies: [{ name: 'rp', shardGroups: [group] }] }] as never); // prettier-ignore

const words = Uint32Array.of(1, 2, 3);
const bytes = new Uint8Array(words.buffer);
const payload = batchOf('m v=1 10');
const stamps = { least: makeStamp(5n, 1), greatest: makeStamp(9n, 2) };
const one = { stamp: makeStamp(5n, 1), minTimeNs: 1n, maxTimeNs: 2n, filter: 'f' };

/** Shards of which a worker gives each of these, with a sign of life before it. */
function local(digests: readonly (Uint32Array | undefined)[]): ServedDigestsPorts['local'] {
  async function* signs<T>(...values: readonly T[]): AsyncGenerator<T> {
    for (const value of values) yield Promise.resolve(value);
  }
  return {
    digest: () => signs(...digests),
    storedDeletes: () => Promise.resolve([one]),
    seriesDigests: () => signs(undefined, [{ key: 'm', entries: Uint32Array.of(0, 1, 2, 3) }]),
    rangePoints: () => signs(undefined, { payload, stamps }, { payload, stamps: undefined }),
    sketch: () => signs(undefined, Uint8Array.of(4, 5)),
    pickedPoints: ({ hashes }) =>
      signs(undefined, hashes.has(77) ? { payload, stamps } : undefined),
  };
}

function methodsOf(digests: readonly (Uint32Array | undefined)[] = [undefined, words]) {
  return servedDigests({ meta: { catalog: { ...emptyCatalog, databases }, nodeId: 4 }, local: local(digests) }); // prettier-ignore
}

const context = { signal: new AbortController().signal };

/** As another node hears it. */
async function asked<Q, A>(
  method: StreamMethod<Q, A> | CallMethod<Q, A>,
  request: Q,
  methods = methodsOf(),
): Promise<readonly A[]> {
  const served = methods.find(({ path }) => path === method.path);
  const encoded = method.request.encode(request);
  if (served?.kind === 'call') return [method.reply.decode(await served.answer(encoded, context))];
  if (served?.kind !== 'stream') throw new Error(`${method.path} is not served`);
  const replies: A[] = [];
  for await (const reply of served.answer(encoded, context)) replies.push(method.reply.decode(reply)); // prettier-ignore
  return replies;
}

const range = { shardId: 7, startNs: 0n, endNs: 9n };
const parts = { ...range, seriesParts: [1], timeMask: 1 };
const salted = { ...parts, salt: 3 };
const hashes = HashFilter.exact(Uint32Array.of(77)).bytes;
const requests = (shardId: number) =>
  [
    [storedDeletesMethod, { shardId }],
    [seriesDigestsMethod, { ...parts, shardId }],
    [rangePointsMethod, { ...range, shardId, series: [] }],
    [sketchMethod, { ...salted, shardId, table: 0, cellCount: 4 }],
    [pickedPointsMethod, { ...salted, shardId, hashes }],
    [digestMethod, { ...range, shardId, known: undefined, isAnew: false }],
  ] as const;

test('served digests: a shard that is not on this node is none that it has nothing of', async () => {
  for (const shardId of [9, 8])
    for (const [method, request] of requests(shardId)) {
      const answer = asked(method as StreamMethod<unknown, unknown>, request);
      await expect(answer).rejects.toMatchObject({ code: 'shard_not_found', message: `shard ${shardId} is not on this node` }); // prettier-ignore
    }
});

test('served digests: whoever knows what it is is told that it is the same, and one of nothing is missing', async () => {
  const ask = (known: number | undefined, digests?: readonly (Uint32Array | undefined)[]) =>
    asked(digestMethod, { ...range, known, isAnew: false }, methodsOf(digests));
  const life = { digest: undefined, isMissing: false };
  expect(await ask(undefined)).toEqual([life, { digest: bytes, isMissing: false }]);
  expect(await ask(crc32(bytes) ^ 1)).toEqual([life, { digest: bytes, isMissing: false }]);
  expect(await ask(crc32(bytes))).toEqual([life, { digest: new Uint8Array(0), isMissing: false }]);
  expect(await ask(undefined, [])).toEqual([{ digest: undefined, isMissing: true }]);
});

test('served digests: points go packed with their stamps, and a sign of life is an empty message', async () => {
  const nothing = new Uint8Array(0);
  expect(await asked(storedDeletesMethod, { shardId: 7 })).toEqual([{ deletes: [one] }]);
  expect(await asked(seriesDigestsMethod, parts)).toMatchObject([{ series: [] }, { series: [{ key: 'm', entries: Uint32Array.of(0, 1, 2, 3) }] }]); // prettier-ignore
  const deflated = Uint8Array.from(deflateRawSync(payload, { level: 1 }));
  expect(await asked(rangePointsMethod, { ...range, series: [] })).toEqual([{ payload: nothing }, { payload: deflated, ...stamps }, { payload: deflated }]); // prettier-ignore
  expect(await asked(sketchMethod, { ...salted, table: 0, cellCount: 4 })).toEqual([{ cells: nothing }, { cells: Uint8Array.of(4, 5) }]); // prettier-ignore
  expect(await asked(pickedPointsMethod, { ...salted, hashes })).toEqual([{ packed: nothing }, { packed: packPoints(payload), ...stamps }]); // prettier-ignore
});

test('served digests: what is no list of hashes is refused', async () => {
  const answer = asked(pickedPointsMethod, { ...salted, hashes: Uint8Array.of(255, 1, 2) });
  await expect(answer).rejects.toBeInstanceOf(DbError);
});

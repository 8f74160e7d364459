import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { makeStamp } from '../../models/stamp.ts';
import { packPoints } from '../engine/digests/packed-points.ts';
import { HashFilter } from '../engine/digests/hash-filter.ts';
import { batchOf } from '../../../test/support/store-script.ts';
import { LocalPeer, RemotePeer, type RepairPeer } from './peer.ts';

const range = { shardId: 7, startNs: 0n, endNs: 9n };
const digestTask = { ...range, isAnew: false };
const parts = { ...range, seriesParts: [0], timeMask: 1 };
const sketchTask = { ...parts, salt: 1, table: 0, cellCount: 4 };
const picked = { ...parts, salt: 1, hashes: HashFilter.exact(Uint32Array.of(7)) };
const points = { ...range, series: [] };
const { signal } = new AbortController();
const payload = batchOf('m v=1 10');

/** Another node that says these messages, whatever it is asked. */
function remote(replies: readonly object[] | DbError): RemotePeer {
  const said = async function* () {
    if (replies instanceof DbError) throw await Promise.resolve(replies);
    yield* replies;
  };
  const call = () => replies instanceof DbError ? Promise.reject(replies) : Promise.resolve(replies[0]); // prettier-ignore
  const rpc = { call, stream: said } as never;
  return new RemotePeer({ nodeId: 5, catalogIndex: 3 }, rpc, () => 'n5:8088');
}

async function all<T>(values: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

const ways: readonly (readonly [string, (peer: RepairPeer, signal: AbortSignal) => Promise<unknown>])[] = [
  ['digest', (peer, until) => peer.digest(digestTask, undefined, until)],
  ['digests of series', (peer, until) => all(peer.seriesDigests(parts, until))],
  ['points', (peer, until) => all(peer.rangePoints(points, until))],
  ['sketch', (peer, until) => peer.sketch(sketchTask, until)],
  ['points that are picked', (peer, until) => all(peer.pickedPoints(picked, until))],
]; // prettier-ignore

test.each(ways)('owners: a repair that is cancelled takes a %s of this node that broke off for none', async (_, ask) => {
  const cancel = new AbortController();
  async function* silent(): AsyncGenerator<undefined> {
    await Promise.resolve();
    yield undefined;
    cancel.abort(new Error('cancelled'));
  }
  const ended = { digest: silent, seriesDigests: silent, rangePoints: silent, sketch: silent, pickedPoints: silent }; // prettier-ignore
  await expect(ask(new LocalPeer(4, ended as never), cancel.signal)).rejects.toThrow('cancelled');
}); // prettier-ignore

test('owners: a shard is missing where the other node says so, equal or another where it has a digest, and nothing is known without', async () => {
  const words = Uint32Array.of(1, 2, 3);
  const digest = new Uint8Array(words.buffer);
  const life = { digest: undefined, isMissing: false };
  const ask = (...replies: readonly object[]) => remote([life, ...replies]).digest(digestTask, words, signal); // prettier-ignore
  expect(await ask({ digest: undefined, isMissing: true })).toEqual({ kind: 'missing' });
  expect(await ask(life, { digest: new Uint8Array(0), isMissing: false })).toEqual({ kind: 'equal' }); // prettier-ignore
  expect(await ask({ digest, isMissing: false })).toEqual({ kind: 'equal' });
  const other = Uint32Array.of(1, 2, 4);
  expect(await ask({ digest: new Uint8Array(other.buffer), isMissing: false })).toEqual({ kind: 'digest', words: other }); // prettier-ignore
  await expect(ask()).rejects.toMatchObject({ code: 'unavailable', message: 'node 5 gave no digest of shard 7' }); // prettier-ignore
});

test('owners: one of an earlier release has no sketches and takes no packed points; one that fails is no earlier one', async () => {
  const unknown = new DbError('unsupported_version', 'method of a newer release');
  const away = new DbError('unavailable', 'away');
  const batch = { shardId: 7, database: 'd', retentionPolicy: 'p', packed: new Uint8Array(), stamp: 5n }; // prettier-ignore
  expect(await remote(unknown).sketch(sketchTask, signal)).toBeUndefined();
  expect(await remote(unknown).bring(batch, signal)).toBeUndefined();
  await expect(remote(away).sketch(sketchTask, signal)).rejects.toBe(away);
  await expect(remote(away).bring(batch, signal)).rejects.toBe(away);
  const cells = Uint8Array.of(1);
  expect(await remote([{ cells: new Uint8Array() }, { cells }]).sketch(sketchTask, signal)).toBe(cells); // prettier-ignore
  await expect(remote([{ cells: new Uint8Array() }]).sketch(sketchTask, signal)).rejects.toMatchObject({ code: 'unavailable', message: 'node 5 gave no sketch of shard 7' }); // prettier-ignore
  const outcome = { kind: 'failed', code: 'disk_full', text: 'full' };
  expect(await remote([{ outcome }]).bring(batch, signal)).toEqual({ kind: 'failed', error: new DbError('disk_full', 'full') }); // prettier-ignore
});

test('owners: points come with what travelled of them, and with stamps where both ends are said', async () => {
  const [least, greatest] = [makeStamp(1n, 1), makeStamp(2n, 1)];
  const [deflated, packed] = [deflateRawSync(payload), packPoints(payload)];
  const nothing = new Uint8Array(0);
  const range7 = await all(remote([{ payload: nothing }, { payload: deflated, least, greatest }, { payload: deflated, least }]).rangePoints(points, signal)); // prettier-ignore
  expect(range7).toEqual([
    { payload, stamps: { least, greatest }, movedBytes: deflated.length },
    { payload, stamps: undefined, movedBytes: deflated.length },
  ]);
  const some = await all(remote([{ packed: nothing }, { packed, least, greatest }, { packed, greatest }]).pickedPoints(picked, signal)); // prettier-ignore
  expect(some.map(({ stamps, movedBytes }) => [stamps, movedBytes])).toEqual([[{ least, greatest }, packed.length], [undefined, packed.length]]); // prettier-ignore
  const damaged = all(remote([{ payload: Uint8Array.of(255, 255, 255) }]).rangePoints(points, signal)); // prettier-ignore
  await expect(damaged).rejects.toMatchObject({ code: 'corrupt', message: 'points of another owner are damaged' }); // prettier-ignore
});

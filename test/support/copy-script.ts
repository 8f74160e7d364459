/**
 * A copy of a shard from one store to another on one disk, for tests that break it at every point: what the source has, what
 * is written at the destination meanwhile, and how it is to be once the copy is whole.
 */
import { DbError } from '../../src/base/errors.ts';
import type { Clock } from '../../src/env/clock.ts';
import type { Disk } from '../../src/env/disk.ts';
import type { Store } from '../../src/storage/store/store.ts';
import { finished } from './finished.ts';
import { makeStamp, stampBatch } from '../../src/models/stamp.ts';
import { batchOf, kept, openStore, readField } from './store-script.ts';

const copyIndex = 5;
export const incoming = { ...kept, copyIndex };
const staging = 'there/db/autogen/7.staging-1';

export function openSource(disk: Disk, clock: Clock): Promise<Store> {
  return openStore(disk, clock, { dataFolder: 'here', walFolder: 'wal-here', rosterFolder: 'meta-here' }); // prettier-ignore
}

export function openDestination(disk: Disk, clock: Clock): Promise<Store> {
  return openStore(disk, clock, { dataFolder: 'there', walFolder: 'wal-there', rosterFolder: 'meta-there' }); // prettier-ignore
}

/** Two files, one of them with a tombstone, and something in memory; a register that was written at time 5. */
export async function fillSource(store: Store): Promise<void> {
  await store.write(kept, batchOf('m,h=a v=1 10\nm,h=b v=1 11\no v=1i 5\ngone v=1 1'));
  await store.flush(7);
  await store.write(kept, batchOf('m,h=a v=2 20\nm,h=c v=2 21'));
  await store.flush(7);
  await deleteMeasurement(store, 'gone');
  await store.write(kept, batchOf('m,h=d v=3 30\no v=2i 5'));
}

async function deleteMeasurement(store: Store, measurement: string): Promise<void> {
  await store.deletePoints(7, deleteOf(measurement));
}

/** As a node with other nodes says it, at `ns`. */
export function stamped(lines: string, ns: bigint): Uint8Array {
  const payload = batchOf(lines);
  stampBatch(payload, makeStamp(ns, 1));
  return payload;
}

export function deleteOf(measurement: string): Parameters<Store['deletePoints']>[1] {
  return {
    async *select(view) {
      yield { measurement, seriesIds: await Promise.resolve(Uint32Array.from(finished(view.seriesIds(measurement)))) }; // prettier-ignore
    },
    range: { minTimeNs: 0n, maxTimeNs: 1_000n },
  };
}

/** Snapshot, bytes to the folder where they wait, and the install. */
export async function copyOver(disk: Disk, source: Store, destination: Store): Promise<void> {
  await stage(disk, source);
  await destination.transfers.install(incoming, { staging, deletes: [] });
  await disk.removeTree(staging);
}

export async function stage(disk: Disk, source: Store): Promise<string> {
  const snapshot = await source.transfers.snapshot(7, 1);
  if (snapshot === undefined) throw new DbError('shard_not_found', 'the source has nothing');
  await disk.removeTree(staging);
  await disk.makeDir(staging);
  for (const { name } of snapshot.files) {
    const bytes = await disk.readFile(`${snapshot.folder}/${name}`);
    const file = await disk.open(`${staging}/${name}`, 'create');
    await file.append([bytes]);
    await file.sync();
    await file.close();
  }
  await disk.syncDir(staging);
  await disk.removeTree(snapshot.folder);
  return staging;
}

/** Points of a store as text, by field; the text of the error when the shard is not to be read. */
export function pointsOf(store: Store): string {
  try {
    const m = readField(store, 'm', 'v').map(({ time, value }) => `${time}:${value}`);
    const [register] = readField(store, 'o', 'v');
    const gone = readField(store, 'gone', 'v');
    return `${m.sort().join(' ')} | ${register?.value ?? '-'} | ${gone.length}`;
  } catch (error) {
    if (error instanceof DbError) return error.message;
    throw error;
  }
}

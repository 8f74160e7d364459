import { expect, test } from 'vitest';
import type { SeriesDigest } from '../engine/digests/series-digests.ts';
import { differingSeries, type DifferingSeries } from './find-differences.ts';
import type { RepairPeer } from './peer.ts';

/** Of each slice how many values there are, and two words of their sum. */
type Slices = readonly (readonly [slice: number, count: number, low: number, high: number])[];

function peerOf(series: Readonly<Record<string, Slices>>): RepairPeer {
  const digests: SeriesDigest[] = Object.entries(series).map(([key, slices]) => ({ key, entries: new Uint32Array(slices.flat()) })); // prettier-ignore
  return {
    seriesDigests: async function* () {
      for (const one of digests) yield Promise.resolve([one]);
    },
  } as unknown as RepairPeer;
}

async function differences(own: Record<string, Slices>, other: Record<string, Slices>) {
  const found: DifferingSeries[] = [];
  let bytes = 0;
  const task = { shardId: 1, startNs: 0n, endNs: 1_000n, seriesParts: [0], timeMask: 1 };
  const ports = {
    signal: new AbortController().signal,
    onBytes: (more: number): void => void (bytes += more),
  };
  for await (const one of differingSeries([peerOf(own), peerOf(other)], task, ports))
    found.push(one);
  return { found, bytes };
}

test('differing series: slices that differ and no others, and how many values the fuller side has in them', async () => {
  const { found, bytes } = await differences(
    { same: [[0, 4, 7, 7], [3, 2, 1, 1]], mine: [[0, 5, 1, 1], [2, 6, 1, 1]], m: [[1, 3, 1, 1], [2, 8, 5, 5], [9, 2, 2, 2], [11, 1, 8, 8]] }, // prettier-ignore
    { same: [[0, 4, 7, 7], [3, 2, 1, 1]], theirs: [[4, 9, 1, 1]], m: [[0, 1, 4, 4], [2, 8, 5, 5], [9, 7, 2, 2], [11, 1, 8, 9]] }, // prettier-ignore
  );
  expect(found).toEqual([
    { key: 'theirs', slices: [4], valueCount: 9 },
    // One that only the other has, one that both have, of which it has more, one that is of other values, and one that it lacks.
    { key: 'm', slices: [0, 1, 9, 11], valueCount: 1 + 3 + 7 + 1 },
    { key: 'mine', slices: [0, 2], valueCount: 11 },
  ]);
  // What the other owner sends: keys and four words a slice.
  expect(bytes).toBe('same'.length + 'theirs'.length + 'm'.length + (2 + 1 + 4) * 16);
});

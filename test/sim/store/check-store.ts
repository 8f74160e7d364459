import type { Disk } from '../../../src/env/disk.ts';
import { gonePath } from '../../../src/storage/index/segment-gone.ts';
import { segmentNumberOf } from '../../../src/storage/index/segment-format.ts';
import { readManifest } from '../../../src/storage/store/shards/shard-manifest.ts';
import type { Store } from '../../../src/storage/store/store.ts';
import { tombstonePath } from '../../../src/storage/tsm/tombstones.ts';
import { finished } from '../../support/finished.ts';
import { kept, readSeries } from '../../support/store-script.ts';
import type { Held } from './store-model.ts';

export const fields = ['f', 'i', 's'] as const;
export const shardFolder = 'data/db/autogen/7';

/** All points of the shard, and its series three times: by measurement, by the values of their tag, by their keys. */
export function heldBy(store: Store): Held {
  const points: string[] = [];
  const series: string[] = [];
  const view = store.view(kept.shardId);
  if (view === undefined) return { points, series };
  for (const measurement of view.measurements()) {
    const ids = finished(view.seriesIds(measurement));
    const keys = [...ids].map((id) => view.seriesKey(id));
    series.push(...keys);
    const tags = [...view.tagValueLists(measurement, 't')].flat();
    const found = finished(view.seriesIdsWith(measurement, 't', tags));
    const tagged = new Set([...found].map((id) => view.seriesKey(id)));
    const wanted = keys.filter((key) => key.includes(',t='));
    // What one way into the index has and another has not counts as a series too many.
    series.push(...wanted.filter((key) => !tagged.has(key)).map((key) => `${key} not by its tag`));
    if (tagged.size > wanted.length) series.push(`${measurement} has more by tags`);
    if (keys.length === 0) series.push(`${measurement} without series`);
    const isStray = keys.some((key) => key !== measurement && !key.startsWith(`${measurement},`));
    if (isStray) series.push(`${measurement} with others' series`);
    for (const id of ids)
      for (const field of fields)
        for (const { time, value } of readSeries(view, id, field))
          points.push(`${view.seriesKey(id)} ${field} ${time} ${value}`);
  }
  view.release();
  return { points: points.sort(), series: series.sort() };
}

/** Files of the shard that nothing lists, once the store is closed: '' when there are none. */
export async function leftoversOf(disk: Disk): Promise<string> {
  const { files, segments = new Map<string, unknown>(), gone = [] } = await readManifest(disk, shardFolder); // prettier-ignore
  const listed = new Set([...files.keys(), ...gone, ...segments.keys(), 'shard.json']);
  for (const name of files.keys()) listed.add(tombstonePath(name));
  for (const name of segments.keys()) listed.add(gonePath(name));
  const names = (await disk.list(shardFolder)).map(({ name }) => name);
  const left = names.filter((name) => !listed.has(name));
  const missing = [...files.keys(), ...segments.keys()].filter((name) => !names.includes(name));
  const unnumbered = [...segments.keys()].filter((name) => segmentNumberOf(name) === undefined);
  const odd = [...left, ...missing, ...unnumbered];
  return odd.length === 0 ? '' : `files that are not listed, or are not there: ${odd.join(', ')}`;
}

import { expect, test } from 'vitest';
import { batchOf, kept, openStore } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import type { PointDelete } from './point-deletes.ts';
import type { Store } from '../store.ts';

const always = { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };
/** As lines write them: their keys lie among each other's, and some have what parts a key from its field. */
const written = ['m', 'm\\,h\\=a', 'm\\ h', 'm#', 'm#!~', 'm#!~#v', 'm!', 'm\\', 'ma', 'l', 'm-'];
const names = written.map((text) => text.replaceAll(/\\(?=[, ])/g, ''));

/** All of a measurement, as one whose series are looked for one by one or not. */
function wholeOf(measurement: string, isWhole: boolean, range = always): PointDelete {
  return {
    range,
    async *select(view) {
      yield await Promise.resolve({ measurement, seriesIds: view.seriesIdsByPart(measurement), isWhole }); // prettier-ignore
    },
  };
}

function rowsOf(store: Store): readonly string[] {
  const view = store.view(kept.shardId);
  const rows: string[] = [];
  for (const name of view?.measurements() ?? [])
    for (const id of view?.seriesIdsByPart(name) ?? [])
      for (const field of view?.fields(name) ?? []) {
        const end = view?.end({ seriesId: id, field: field.name, ...always, ascending: false }, noArena); // prettier-ignore
        if (end !== undefined) rows.push(`${view?.series(id).key} ${field.name} ${end.timeNs}`);
      }
  view?.release();
  return rows.sort();
}

const noArena = { memory: new WebAssembly.Memory({ initial: 1 }), allocate: () => 0 };

test.each([...written.keys()].map((i) => [names[i] ?? '', i] as const))(
  'store: a delete of all of the measurement %s takes its points and no others',
  async (name, i) => {
    const world = new World(1);
    const { env } = world.addNode('a');
    const of = async (isWhole: boolean): Promise<readonly string[]> => {
      await env.disk.removeTree('data');
      await env.disk.removeTree('wal');
      await env.disk.removeTree('meta');
      let store = await openStore(env.disk, env.clock);
      for (const time of [1, 20]) {
        const lines = written.flatMap((text) => ['', ',h=a', ',h=#!~#v', ',h=b'].map((tags) => `${text}${tags} v=1,#!~#v=2 ${time}`)); // prettier-ignore
        await store.write(kept, batchOf(lines.join('\n')));
        await store.flush(kept.shardId);
      }
      await store.deletePoints(kept.shardId, wholeOf(name, isWhole, { minTimeNs: 5n, maxTimeNs: 30n })); // prettier-ignore
      const cut = rowsOf(store);
      await store.deletePoints(kept.shardId, wholeOf(name, isWhole));
      const gone = rowsOf(store);
      await store.close();
      store = await openStore(env.disk, env.clock);
      expect(rowsOf(store)).toEqual(gone);
      await store.close();
      return [...cut, '', ...gone];
    };
    await world.complete(
      (async () => {
        const rows = await of(true);
        expect(rows).toEqual(await of(false));
        // What begins like a key of `m\\` is mostly of another measurement.
        const own = `${written[i]}`;
        const isOwn = (row: string): boolean => row.startsWith(`${own},`) && own !== 'm\\';
        const cut = rows.slice(0, rows.indexOf(''));
        expect(cut.filter((row) => isOwn(row) && !row.endsWith(' 1'))).toEqual([]);
        expect(rows.slice(rows.indexOf('')).filter(isOwn)).toEqual([]);
        expect(cut.filter((row) => row.endsWith(' 20')).length).toBeGreaterThan(60);
      })(),
      10_000_000,
    );
  },
);

import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { finished } from '../../../../test/support/finished.ts';
import { batchOf, kept, openStore } from '../../../../test/support/store-script.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { SeriesList } from '../../index/listed-index.ts';
import type { MemoryPart } from '../memory-part.ts';
import { lendRows } from './lend-rows.ts';

const always = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n };

function listOf(texts: readonly string[]): SeriesList {
  const keys = Buffer.from(texts.join(''));
  let at = 0;
  const ends = Uint32Array.from(texts, (text) => (at += Buffer.byteLength(text)));
  return { measurement: 'm', fields: [], tagKeys: ['h'], keys, ends };
}

/** Counts what is held. */
class Held {
  bytes = 0;
  mostBytes = 0;

  take(bytes: number): boolean {
    this.bytes += bytes;
    this.mostBytes = Math.max(this.mostBytes, this.bytes);
    return true;
  }

  release(bytes: number): void {
    this.bytes -= bytes;
  }
}

async function withMemtable(lines: string, look: (memtable: MemoryPart) => void): Promise<void> {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf(lines));
    const view = store.view(kept.shardId);
    const [memtable] = view?.partsWithin(always)?.memtables ?? [];
    expect(memtable).toBeDefined();
    if (memtable !== undefined) look(memtable);
    view?.release();
    await store.close();
  };
  await world.complete(work(), 1_000_000);
}

test('lend rows: series that a memtable does not have are gone through in short steps', async () => {
  await withMemtable('m,h=a f=1 1', (memtable) => {
    const list = listOf(Array.from({ length: 50_000 }, (_, i) => `m,h=other${i}`));
    const fields = [{ name: 'f', type: FieldType.float }];
    const steps = lendRows(memtable, { list, fields, ...always }, new Held());
    let stepCount = 0;
    while (steps.next().done !== true) stepCount++;
    expect(stepCount).toBeGreaterThan(100);
  });
});

test('lend rows: copies of texts are counted while they are held, and not longer', async () => {
  const text = 'x'.repeat(1_000);
  const lines = Array.from({ length: 200 }, (_, time) => `m,h=a s="${text}" ${time}`).join('\n');
  await withMemtable(lines, (memtable) => {
    const held = new Held();
    const fields = [{ name: 's', type: FieldType.string }];
    const lent = finished(lendRows(memtable, { list: listOf(['m,h=a']), fields, ...always }, held));
    if (lent === undefined || lent === 'unlent') throw new Error('rows are lent');
    const rooms = lent.rooms.reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(held.bytes).toBe(rooms + lent.slots.byteLength);
    expect(held.mostBytes).toBeGreaterThan(held.bytes + 200 * text.length);
  });
});

test('lend rows: values of another type than is asked for are not lent', async () => {
  await withMemtable('m,h=a f=1,s="x" 1\nm,h=a f=2 2', (memtable) => {
    const list = listOf(['m,h=a']);
    const lent = [
      ['f', FieldType.float],
      ['f', FieldType.boolean],
      ['f', FieldType.string],
      ['s', FieldType.string],
      ['s', FieldType.integer],
    ].map(([name, type]) => {
      const fields = [{ name: name as string, type: type as FieldType }];
      const rows = finished(lendRows(memtable, { list, fields, ...always }, new Held()));
      return rows === 'unlent';
    });
    expect(lent).toEqual([false, true, true, false, true]);
  });
});

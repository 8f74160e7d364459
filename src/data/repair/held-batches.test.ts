import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { batchOf } from '../../../test/support/store-script.ts';
import type { Disk } from '../../env/disk.ts';
import type { Env } from '../../env/env.ts';
import { HeldBatches } from './held-batches.ts';

const path = 'meta/unclear';

function openHeld({ clock, disk, log }: Env, clusterId = 7n): HeldBatches {
  return new HeldBatches({ clock, disk, log, clusterId: () => clusterId }, path);
}

const batches = ['m v=1 10', 'm v="a" 11'].map((line, i) => ({ shardId: 3 + i, database: 'd\udce9', retentionPolicy: 'p', payload: batchOf(line) })); // prettier-ignore

test('held batches: the next run has those of the last moment, in this cluster and in no other', () => {
  const world = new World(1);
  const node = world.addNode('a');
  const whole = async (): Promise<void> => {
    await node.env.disk.makeDir('meta');
    const held = openHeld(node.env);
    expect(await held.read()).toEqual([]);
    held.save(batches.slice(0, 1));
    held.save([]);
    held.save(batches);
    await held.close();
    expect(await openHeld(node.env).read()).toEqual(batches);
    expect(await openHeld(node.env, 8n).read()).toEqual([]);
    const later = openHeld(node.env);
    later.save([]);
    await later.close();
    expect(await node.env.disk.size(path)).toBeUndefined();
  };
  return world.complete(whole());
});

test('held batches: they are on the disk soon after, and a file that is damaged is none', () => {
  const world = new World(1);
  const node = world.addNode('a');
  const whole = async (): Promise<void> => {
    const { clock, disk } = node.env;
    await disk.makeDir('meta');
    openHeld(node.env).save(batches);
    await clock.sleep(1_000);
    expect(await openHeld(node.env).read()).toEqual(batches);
    const file = await disk.open(path, 'open');
    await file.writeAt(20, Uint8Array.of(0));
    await file.close();
    expect(await openHeld(node.env).read()).toEqual([]);
  };
  return world.complete(whole());
});

test('held batches: the disk has rests between two writes of them, but not before the last one', () => {
  const world = new World(1);
  const node = world.addNode('a');
  const whole = async (): Promise<void> => {
    const { clock, disk } = node.env;
    await disk.makeDir('meta');
    const written: number[] = [];
    const slow = new Proxy<Disk>(disk, {
      get(of, name: keyof Disk) {
        if (name !== 'replaceFile') return of[name].bind(of);
        return async (at: string, bytes: Uint8Array) => {
          await clock.sleep(50);
          await of.replaceFile(at, bytes);
          written.push(clock.monotonicMs());
        };
      },
    });
    const [one, other] = [batches.slice(0, 1), batches.slice(1)];
    const held = openHeld({ ...node.env, disk: slow });
    held.save(one);
    await clock.sleep(1_000);
    held.save(other);
    await clock.sleep(100);
    held.save(one);
    held.save(batches);
    await clock.sleep(200);
    expect(await held.read()).toEqual(other);
    await clock.sleep(500);
    expect(await held.read()).toEqual(batches);
    held.save(other);
    const closedMs = clock.monotonicMs();
    await held.close();
    expect(await held.read()).toEqual(other);
    expect(clock.monotonicMs() - closedMs).toBeLessThan(100);
    expect(written.length).toBe(4);
  };
  return world.complete(whole());
});

import { expect, test } from 'vitest';
import { batchOf, kept, openStore } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import { ColumnKernel } from '../../kernels/column-kernel.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { Store } from './store.ts';

/** A disk that does not answer to what is written to files of such a name until it is let go. */
function hanging(
  disk: Disk,
  suffix: string,
): { readonly disk: Disk; readonly hang: () => void; readonly letGo: () => void } {
  let held: Promise<void> | undefined;
  let letGo = (): void => undefined;
  const file = (of: DiskFile): DiskFile =>
    new Proxy(of, {
      get(target, name: keyof DiskFile) {
        const member: unknown = Reflect.get(target, name);
        if (name !== 'append')
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        return async (...args: Parameters<DiskFile['append']>) => {
          if (target.path.endsWith(suffix)) await held;
          return target.append(...args);
        };
      },
    });
  const proxy = new Proxy(disk, {
    get(of, name: keyof Disk) {
      if (name !== 'open') return of[name].bind(of);
      return async (...args: Parameters<Disk['open']>) => file(await of.open(...args));
    },
  });
  const hang = (): void => {
    held = new Promise((resolve) => (letGo = resolve));
  };
  return { disk: proxy, hang, letGo: () => letGo() };
}

interface Stage {
  readonly store: Store;
  readonly env: ReturnType<World['addNode']>['env'];
  readonly told: readonly string[];
  readonly stalls: () => readonly string[];
  readonly hang: () => void;
  readonly letGo: () => void;
}

/** Runs with a store on a disk on which files of such a name may hang. */
async function staged(suffix: string, run: (stage: Stage) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  const told: string[] = [];
  const tell = (text: string): void => void told.push(text);
  const log = { info: tell, warn: tell, error: tell } as unknown as Log;
  const stalls = (): readonly string[] => told.filter((text) => /stalled|goes on/.test(text));
  const { disk, hang, letGo } = hanging(env.disk, suffix);
  const columnKernel = new ColumnKernel(compiledKernels(), { bytesMax: 1 << 24 });
  const turn = (): Promise<void> => Promise.resolve();
  await world.complete(
    (async () => {
      const store = await Store.open(
        { disk, log, clock: env.clock, turn, columnKernel },
        {
          ...{ dataFolder: 'data', walFolder: 'wal', worker: 0, isHome: () => true },
          ...{ segmentBytesMax: 1 << 20, queueBytesMax: 1 << 20, snapshotBytes: 1 << 20 },
          ...{ snapshotColdMs: 600_000, cacheBytesMax: 1 << 24, memtablesBytesMax: 1 << 24 },
          compaction: { fullColdMs: 60_000, fileBytesMax: 1 << 30, bytesPerSecond: 0, burstBytes: 0 }, // prettier-ignore
        },
      );
      await run({ store, env, told, stalls, hang, letGo });
      await store.close();
      const again = await openStore(env.disk, env.clock);
      await again.close();
    })(),
    10_000_000,
  );
}

test('stall: a compaction that does not move is told of once, counted, and told of when it goes on', async () => {
  await staged('.tsm.tmp', async ({ store, env, told, stalls, hang, letGo }) => {
    for (let i = 1; i <= 8; i++) {
      await store.write(kept, batchOf(`m v=${i} ${i}`));
      await store.flush(kept.shardId);
    }
    hang();
    await env.clock.sleep(40_000);
    expect(stalls()).toEqual([]);
    await env.clock.sleep(300_000);
    expect(stalls()).toEqual(['TSM compaction has stalled']);
    expect(store.facts.numbers[0]?.stalls).toEqual({ compaction: 1, flush: 0, log: 0 });
    letGo();
    await env.clock.sleep(10_000);
    expect(stalls()).toEqual(['TSM compaction has stalled', 'TSM compaction goes on']);
    expect(told).toContain('TSM compaction');
  });
});

test('stall: a flush that does not move is told of', async () => {
  await staged('.tsm.tmp', async ({ store, env, stalls, hang, letGo }) => {
    await store.write(kept, batchOf('m v=1 1'));
    hang();
    const flushed = store.flush(kept.shardId);
    await env.clock.sleep(40_000);
    expect(stalls()).toEqual([]);
    await env.clock.sleep(30_000);
    expect(stalls()).toEqual(['Cache snapshot has stalled']);
    expect(store.facts.numbers[0]?.stalls.flush).toBe(1);
    letGo();
    await flushed;
    expect(stalls()).toEqual(['Cache snapshot has stalled', 'Cache snapshot goes on']);
  });
});

test('stall: a log that takes nothing is told of, by the shards that wait for it', async () => {
  await staged('.wal', async ({ store, env, stalls, hang, letGo }) => {
    await store.write(kept, batchOf('m v=1 1'));
    hang();
    const written = store.write(kept, batchOf('m v=2 2'));
    await env.clock.sleep(70_000);
    expect(stalls()).toEqual(['Write-ahead log has stalled']);
    expect(store.facts.numbers[0]?.stalls.log).toBe(1);
    letGo();
    await written;
    expect(stalls()).toEqual(['Write-ahead log has stalled', 'Write-ahead log goes on']);
  });
});

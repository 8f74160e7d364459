import { World } from '../sim/world/world.ts';
import { StorageEngine } from '../../src/data/engine/storage-engine.ts';
import type { Engine, EnginePorts } from '../../src/env/engine-host.ts';
import type { Log } from '../../src/env/log.ts';
import { engineOptions } from './engine-options.ts';
import { batchOf, kept, openStore } from './store-script.ts';

/** An engine alone, with some lines in the shard `kept`, until `use` has ended. */
export async function withEngine(
  lines: string,
  use: (engine: Engine) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const { disk, clock, random } = world.addNode('a').env;
  const log = { info: () => undefined } as unknown as Log;
  const ports: EnginePorts = { disk, clock, random, log, turn: () => Promise.resolve() };
  const work = async () => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf(lines));
    await store.close();
    const engine = await StorageEngine.create({ index: 0, count: 1, options: engineOptions }, ports); // prettier-ignore
    await use(engine);
    await engine.close();
  };
  await world.complete(work());
}

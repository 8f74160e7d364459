import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, type DevCluster } from '../../../support/dev-cluster.ts';

const readyMsMax = 120_000;
const settledMs = 4_000;
const lookMs = 500;
/** What makes files of memtables, and one file of the files of a shard, as soon as nobody writes. */
const coldAtOnce = {
  INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION: '1s',
  INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION: '1s',
};
const coldAsUsual = {
  INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION: '10m',
  INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION: '4h',
};

/** Ends all data nodes and starts them again; with `isCompacting` all is in compacted files when it resolves. */
export async function restartNodes(
  cluster: DevCluster,
  { dataCount, isKilled, isCompacting }: { readonly dataCount: number; readonly isKilled: boolean; readonly isCompacting: boolean }, // prettier-ignore
): Promise<void> {
  const numbers = Array.from({ length: dataCount }, (_, i) => i + 1);
  const names = numbers.map((number) => `data-${number}`);
  await Promise.all(names.map((name) => (isKilled ? cluster.kill(name) : cluster.stopNode(name))));
  cluster.setEnvironment(isCompacting ? coldAtOnce : coldAsUsual);
  for (const name of names) cluster.startByHand(name);
  for (const number of numbers)
    await eventually(async () => {
      const answer = await cluster.query(number, 'SHOW DATABASES');
      if (!answer.includes('"series"')) throw new Error(`data-${number} answers ${answer}`);
    }, readyMsMax);
  if (isCompacting) await settled(names.map((name) => join(cluster.dir, name)));
}

/** Resolves when no file of these folders has come, gone or grown for a while. */
async function settled(folders: readonly string[]): Promise<void> {
  let before = '';
  for (let sameMs = 0; sameMs < settledMs; sameMs += lookMs) {
    await new Promise((resolve) => setTimeout(resolve, lookMs));
    const now = folders.map(filesOf).join('\n');
    if (now !== before) sameMs = 0;
    before = now;
  }
}

function filesOf(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile() && one.name.endsWith('.tsm'))
    .map(({ name, parentPath }) => {
      const path = join(parentPath, name);
      return `${path} ${statSync(path, { throwIfNoEntry: false })?.size}`;
    })
    .join('\n');
}

/**
 * Loads the suite's points into a server and waits until they are where a measurement is to find them. Where data is kept,
 * a file beside it says that all of it had been loaded: a load that was cut off counts for nothing.
 */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CpuLines, type CpuWorkload } from '../tsbs/cpu-lines.ts';
import { Asker } from './asker.ts';
import type { BenchServer } from './servers.ts';

/** What is to hold the points when the questions come. */
export type PointsState = 'memtable' | 'tail' | 'files' | 'compacted';

export interface CpuLoad {
  readonly workload: CpuWorkload;
  readonly rowCount: number;
  readonly state: PointsState;
}

const bodyRows = 5_000;
const connections = 2;
const fieldCount = 10;
/** Flushes begin a second after the last write, full compactions two. */
const quietSeconds = { memtable: 0, tail: 2, files: 2, compacted: 6 };
/** A server that is still at work then is never done. */
const settleSecondsMax = 600;

/** Throws unless all points are there afterwards. */
export async function loadCpu(server: BenchServer, load: CpuLoad): Promise<void> {
  const { workload, rowCount, state } = load;
  const source = new CpuLines(workload);
  const asker = new Asker(connections);
  let left = rowCount;
  const client = async (): Promise<void> => {
    while (left > 0) {
      const rows = Math.min(bodyRows, left);
      left -= rows;
      await asker.write(`${server.url}/write?db=d`, Buffer.from(source.body(rows)));
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  asker.close();
  if (state !== 'memtable') await settle(server, quietSeconds[state]);
  const stored = await server.countPoints({ measurement: 'cpu', field: 'usage_user' });
  const wanted = server.name === 'victoria-metrics' ? rowCount * fieldCount : rowCount;
  if (stored !== wanted) throw new Error(`${server.name} stored ${stored} of ${wanted}`);
}

/** A folder for the data of one server under `folder`, emptied unless what is to be there is. */
export class KeptData {
  readonly folder: string;
  readonly isLoaded: boolean;
  readonly #mark: string;

  constructor(folder: string, name: string, { workload, rowCount, state }: CpuLoad) {
    this.folder = join(folder, `${state}-${workload.hosts}-${rowCount}-${name}`);
    this.#mark = `${this.folder}.loaded`;
    this.isLoaded = existsSync(this.#mark);
    if (!this.isLoaded) rmSync(this.folder, { recursive: true, force: true });
  }

  loaded(): void {
    writeFileSync(this.#mark, '');
  }
}

/** Until the files of points have been the same for some seconds: everything is written and merged. */
async function settle(
  { name, folder, tables, flush }: BenchServer,
  seconds: number,
): Promise<void> {
  let before = '';
  let passed = 0;
  for (let quiet = 0; quiet < seconds; passed++) {
    if (passed >= settleSecondsMax) throw new Error(`${name} is not done after ${passed} s`);
    await flush?.();
    const now = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => tables.test(file))
      .map(
        (file) => `${file} ${statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0}`,
      )
      .join('\n');
    quiet = now === before && now !== '' ? quiet + 1 : 0;
    before = now;
    await new Promise((wake) => setTimeout(wake, 1_000));
  }
}

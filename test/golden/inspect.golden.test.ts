import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NodeClock } from '../../src/env/node/node-clock.ts';
import type { Disk } from '../../src/env/disk.ts';
import { NodeDisk } from '../../src/env/node/node-disk.ts';
import { inspect, type Inspected } from '../support/inspect-run.ts';
import { comparable, inspectCommands } from './inspect-commands.ts';

const folder = join(import.meta.dirname, 'testdata/influx-folders');
const recorded = JSON.parse(
  readFileSync(join(folder, '../inspect.json'), 'utf8'),
) as readonly Inspected[];

/** Paths are as on the command line, which was recorded in the folder. */
function inFolder(): Disk {
  const disk = new NodeDisk();
  const at = (path: string): string => (path.startsWith('/') ? path : join(folder, path));
  return new Proxy(disk, {
    get: (_, name: keyof Disk) => {
      if (name === 'open')
        return async (path: string, mode: 'read') => {
          const file = await disk.open(at(path), mode);
          Object.defineProperty(file, 'path', { value: path });
          return file;
        };
      return (path: string, ...rest: readonly never[]) =>
        (disk[name] as (path: string, ...rest: readonly never[]) => unknown)(at(path), ...rest);
    },
  });
}

test.each(inspectCommands.map((args, i) => [args.join(' '), args, recorded[i]] as const))(
  'influx_inspect answers as the reference: %s',
  async (_, args, wanted) => {
    const ports = { disk: inFolder(), clock: new NodeClock(), workingFolder: folder };
    expect(comparable(args, await inspect(ports, args))).toEqual(wanted);
  },
);

test('influx_inspect deletetsm leaves the blocks and keys that the reference leaves', async () => {
  const home = mkdtempSync(join(tmpdir(), 'varve-inspect-'));
  try {
    const path = join(home, 'a.tsm');
    copyFileSync(join(folder, '1.6.7/data/old/autogen/1/000000001-000000001.tsm'), path);
    const ports = { disk: new NodeDisk(), clock: new NodeClock() };
    const said = await inspect(ports, ['deletetsm', '-measurement', 'cpu', path]);
    expect(said).toEqual({ code: 0, out: '', err: '' });
    // Ours has a way into its index between the two.
    const tables = async (file: string): Promise<string> =>
      (await inspect(ports, ['dumptsm', '-all', file])).out.replace(/.*Series: /s, '').replaceAll(/File Size: \d+|Total: .*point\n/g, ''); // prettier-ignore
    const wanted = await tables(join(folder, '../inspect-deletetsm.tsm'));
    expect(wanted).toContain('odd\\ m');
    expect(await tables(path)).toBe(wanted);
    for (const measurement of ['many', 'odd m', 'gone'])
      await inspect(ports, ['deletetsm', '-measurement', measurement, path]);
    expect(existsSync(path)).toBe(false);
  } finally {
    rmSync(home, { recursive: true });
  }
});

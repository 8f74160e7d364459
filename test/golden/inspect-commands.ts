import type { Inspected } from '../support/inspect-run.ts';

/** Command lines of influx_inspect that are compared with the reference's: run in `testdata/influx-folders`. */
const file = '1.6.7/data/old/autogen/1/000000001-000000001.tsm';

export const inspectCommands: readonly (readonly string[])[] = [
  ['verify', '-dir', '1.6.7'],
  ['verify', '-check-utf8', '-dir', '1.12.4'],
  ['verify', '-dir', 'nowhere'],
  ['verify', '-dirr', 'x'],
  ['verify', '-h'],
  ['dumptsm', file],
  ['dumptsm', '-all', file],
  ['dumptsm', '-index', file],
  ['dumptsm', '-blocks', '1.12.4/data/old/autogen/2/000000001-000000001.tsm'],
  ['dumptsm', '-filter-key', 'host=a', file],
  ['dumptsm'],
  ['report', '1.12.4/data'],
  ['report', '-pattern', 'weekly', '1.12.4/data'],
  ['report', '-exact', '1.6.7/data'],
  ['report', '-detailed', '1.6.7/data/old/autogen/1'],
  ['report', '-detailed', '1.6.7/data'],
  ['report-disk', '1.6.7/data'],
  ['report-disk', '-detailed', '1.12.4/data'],
  ['verify-tombstone', '-path', '1.6.7'],
  ['verify-tombstone', '-v', '-path', '1.6.7'],
  ['verify-tombstone', '-vv', '-path', '1.6.7'],
  ['verify-tombstone', '-vvv', '-path', '1.12.4'],
  ['dumptsmwal', '1.6.7/wal/old/autogen/1/_00002.wal', '1.6.7/wal/old/autogen/2/_00002.wal'],
  ['dumptsmwal', '1.12.4/wal/old/autogen/1/_00002.wal'],
  ['dumptsmwal', '-show-duplicates', '1.12.4/wal/old/autogen/1/_00002.wal'],
  ['dumptsmwal'],
  ['export', '-datadir', '1.6.7/data', '-waldir', '1.6.7/wal', '-out', '-'],
  ['export', '-datadir', '1.12.4/data', '-waldir', '1.12.4/wal', '-out', '-', '-lponly', '-database', 'old', '-retention', 'autogen'], // prettier-ignore
  ['export', '-datadir', '1.12.4/data', '-waldir', '1.12.4/wal', '-out', '-', '-start', '2020-09-13T12:28:00Z', '-end', '2020-09-13T12:30:40Z'], // prettier-ignore
  ['export', '-database', 'd', '-retention', 'r', '-tsmfile', file, '-out', '-'],
  ['export', '-retention', 'autogen', '-datadir', '1.6.7/data'],
  ['export', '-start', '2020-09-13T12:28:00Z', '-end', '2020-09-13T12:27:40Z'],
  ['deletetsm', '-v', file],
  ['deletetsm'],
  ['deletetsm', '-v', '-measurement', 'none of it', 'nowhere.tsm'],
  ['verify', '-check-utf8=maybe', '-dir', '1.6.7'],
  ['verify', '-check-utf8=f', '-dir', '1.12.4'],
  ['dumptsmwal', 'nowhere.wal'],
  ['dumptsmwal', file],
  ['report', '-pattern', 'nothing of that name', '1.6.7/data'],
  ['check-schema', '-h'],
  ['merge-schema', '-h'],
  ['verify-tombstone', '-h'],
  ['merge-schema', 'nowhere'],
  ['export', '-start', 'garbage'],
  ['export', '-end', '2020-13-01T00:00:00Z'],
  ['export', '-end', '2020-02-30T00:00:00Z'],
  ['export', '-start', '2020-09-13T12:28:00'],
  ['export', '-start', '2020-09-13T12:28:00Z.'],
  ['export', '-start', '2020-09-13T12:28:00+25:00'],
  ['export', '-database', 'd', '-retention', 'r', '-tsmfile', 'nowhere', '-out', '-'],
  ['frobnicate'],
  // A key of which nothing is left had the latest time, and all times are before 1970.
  ['report', 'gone/data'],
  ['dumptsm', '-all', 'gone/data/d/autogen/1/000000001-000000001.tsm'],
  ['dumptsm', 'gone/data/d/autogen/2/000000001-000000001.tsm'],
  ['dumptsm', '-index', '-filter-key', 'none of them', file],
  ['verify', '-dir', './1.6.7'],
  ['verify-tombstone', '-path', './gone/'],
];

/** Without what no two runs share: durations, and the order of what the reference keeps in a hash table. */
export function comparable([command]: readonly string[], { code, out, err }: Inspected): Inspected {
  const still = (text: string): string =>
    text
      .replaceAll(/(in|  ?)[ ]?\d+(\.\d+)?(µs|ms|s)\b/g, '$1 TIME')
      .replaceAll(/-?\d+\.\d+e-?\d+s/g, 'TIME')
      .replaceAll(/\/\S*\/influx-folders\//g, '')
      .replaceAll(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d /gm, 'NOW ');
  const lines = (text: string): string => (command === 'export' ? text.split('\n').sort().join('\n') : text); // prettier-ignore
  return { code, out: lines(still(out)), err: lines(still(err)) };
}

/**
 * Commands of the reference about files that there are none of here: its indexes (`index/`, `_series`). A shard of ours has
 * its series in its own files, whatever `index-version` says, so what would repair them is done, and what would show them
 * says where to look.
 */
import { DbError } from '../../base/errors.ts';
import type { InspectCommand } from './inspect-ports.ts';

interface Absent {
  readonly name: string;
  readonly flags: InspectCommand['flags'];
  readonly about: string;
  /** What to say; an error when there is nothing that could have been done. */
  readonly text: string;
  readonly isDone: boolean;
}

const own = 'A shard keeps its series in its own files here, whatever index-version says';

const absent: readonly Absent[] = [
  {
    name: 'buildtsi',
    flags: {
      datadir: 'text',
      waldir: 'text',
      database: 'text',
      retention: 'text',
      shard: 'text',
      'batch-size': 'text',
      concurrency: 'text',
      'max-cache-size': 'text',
      'max-log-file-size': 'text',
      'compact-series-file': 'switch',
      v: 'switch',
    },
    about: 'Converts TSM indexes to TSI on disk.',
    text: `${own}: there is no index to build.`,
    isDone: true,
  },
  {
    name: 'verify-seriesfile',
    flags: { dir: 'text', db: 'text', 'series-file': 'text', c: 'text', v: 'switch' },
    about: 'Verifies the integrity of Series files.',
    text: `${own}: there is no series file to verify. Use "influx_inspect verify" for TSM files.`,
    isDone: true,
  },
  {
    name: 'dumptsi',
    flags: {
      'series-file': 'text',
      series: 'switch',
      measurements: 'switch',
      'tag-keys': 'switch',
      'tag-values': 'switch',
      'tag-value-series': 'switch',
      'measurement-filter': 'text',
      'tag-key-filter': 'text',
      'tag-value-filter': 'text',
    },
    about: 'Dumps low-level details about tsi1 files.',
    text: `${own}: there are no tsi1 files to dump. Use "influx_inspect dumptsm -index" for the keys of a TSM file.`,
    isDone: false,
  },
  {
    name: 'report-db',
    flags: { 'db-path': 'text', c: 'text', rollup: 'text', detailed: 'switch', exact: 'switch' },
    about: 'Estimates cloud 2 cardinality for a database.',
    text: 'What a database would cost in another product is not estimated here. Use "influx_inspect report" for the cardinality of shards.',
    isDone: false,
  },
  {
    name: 'reporttsi',
    flags: { 'db-path': 'text', top: 'text' },
    about: 'Reports series cardinality in one or more TSI indexes.',
    text: `${own}: there are no TSI indexes to report on. Use "influx_inspect report" for the cardinality of shards.`,
    isDone: false,
  },
];

export const indexCommands: readonly InspectCommand[] = absent.map(
  ({ name, flags, about, text, isDone }) => ({
    name,
    flags,
    usage: () => `${about}\n\n${text}\n`,
    run: async ({ out }) => {
      if (!isDone) throw new DbError('unsupported', text);
      await out(`${text}\n`);
    },
  }),
);

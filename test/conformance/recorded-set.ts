import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** A request of a case and what the recorded server answered. */
export interface RecordedStep {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly base64?: string;
  /** False: it prepares the ground, its answer is not compared. */
  readonly judge?: boolean;
  /** Rows may stand in any order: the recorded server walks a hash map. */
  readonly sort?: boolean;
  /** Columns of internal numbers, compared by order of first appearance. */
  readonly mask?: readonly string[];
  readonly status: number;
  /** Content type without its parameters. */
  readonly type: string;
  readonly answer: string;
}

export interface RecordedCase {
  readonly case: number;
  readonly kind: string;
  readonly steps: readonly RecordedStep[];
}

export interface RecordedSet {
  /** Statements, then writes: what an empty server gets before the first case. */
  readonly setup: readonly string[];
  readonly writes: readonly {
    readonly params: Readonly<Record<string, string>>;
    readonly body: string;
  }[];
  readonly cases: readonly RecordedCase[];
}

export const testdataFolder = join(import.meta.dirname, 'testdata');

/** What a real influxd 1.12.4 answered; testdata/README.md says how it was recorded. */
export function readRecordedSet(): RecordedSet {
  const packed = readFileSync(join(testdataFolder, 'influxd-1.12.4.jsonl.gz'));
  const [first = '', ...rest] = gunzipSync(packed).toString('utf8').trimEnd().split('\n');
  const { setup, writes } = JSON.parse(first) as Omit<RecordedSet, 'cases'>;
  return { setup, writes, cases: rest.map((line) => JSON.parse(line) as RecordedCase) };
}

import { noSalt } from './wal-record.ts';

/** What the name of a segment says. Names sort as the segments were written. */
export interface SegmentName {
  readonly run: number;
  readonly worker: number;
  /** Counted from 1 for each run and worker. */
  readonly segment: number;
  /** `noSalt` in the first version of the format. */
  readonly salt: number;
}

const pattern = /^(\d{10})-(\d{3})-(\d{10})(?:-([0-9a-f]{8}))?\.wal$/;

export function segmentName({ run, worker, segment, salt }: SegmentName): string {
  const digits = (value: number, width: number) => String(value).padStart(width, '0');
  const salted = (salt >>> 0).toString(16).padStart(8, '0');
  return `${digits(run, 10)}-${digits(worker, 3)}-${digits(segment, 10)}-${salted}.wal`;
}

/** Undefined for a file that is no segment. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const [, run, worker, segment, salt] = pattern.exec(name) ?? [];
  if (run === undefined) return undefined;
  return {
    run: Number(run),
    worker: Number(worker),
    segment: Number(segment),
    salt: salt === undefined ? noSalt : Number.parseInt(salt, 16),
  };
}

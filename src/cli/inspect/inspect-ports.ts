import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';

/** What an offline tool touches. */
export interface InspectPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** The user's home folder, where the defaults are. */
  readonly home: string;
  /** Folders are relative to it. */
  readonly workingFolder: string;
  /** Standard output; resolves when more may come. */
  readonly out: (piece: string | Uint8Array) => Promise<void>;
  /** Standard error. */
  readonly err: (text: string) => void;
}

/** One command of influx_inspect. Throws a DbError whose text goes to standard error, for an exit with 1. */
export interface InspectCommand {
  readonly name: string;
  readonly flags: Readonly<Record<string, 'text' | 'switch'>>;
  readonly usage: (ports: InspectPorts) => string;
  /** Standard output when left out; the reference leaves some to Go's flag package, which has standard error. */
  readonly usageGoesTo?: 'err';
  readonly run: (
    ports: InspectPorts,
    given: {
      readonly text: (flag: string, byDefault?: string) => string;
      readonly has: (flag: string) => boolean;
      readonly rest: readonly string[];
    },
  ) => Promise<void>;
}

export type GivenFlags = Parameters<InspectCommand['run']>[1];

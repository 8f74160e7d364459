import type { PasswordScheme } from './password-scheme.ts';

/** Stateless work off the main thread: gunzip, hashes of passwords. The same input gives the same output. */
export interface Jobs {
  /** Throws DbError `invalid_argument` when the input is not what the job expects, `too_large` past a limit in it. */
  run<Kind extends keyof JobKinds>(
    kind: Kind,
    input: JobKinds[Kind]['input'],
  ): Promise<JobKinds[Kind]['output']>;
  close(): Promise<void>;
}

export interface PasswordToHash {
  readonly password: string;
  readonly scheme: PasswordScheme;
  readonly salt: Uint8Array;
}

export interface JobKinds {
  /** Inflates a gzip body; more than `lengthBytesMax` bytes out ends with `too_large`. */
  gunzip: {
    input: { readonly bytes: Uint8Array; readonly lengthBytesMax: number };
    output: Uint8Array;
  };
  /** A hash to keep instead of a password; `salt` is random, as many bytes as the scheme asks for. */
  'hash-password': { input: PasswordToHash; output: string };
  /** Whether a hash was made of a password; false for a hash of another kind. */
  'check-password': {
    input: { readonly password: string; readonly hash: string };
    output: boolean;
  };
}

import { DbError } from '../base/errors.ts';

/** LDAP servers, which know users and their groups (spec F97). */
export interface Directory {
  /**
   * A connection that is secured as `server` asks for. All of it, until it is closed, has to be over in `deadlineMs`. Rejects with
   * `unavailable`: no such host, nobody there, no TLS, a certificate that will not do, no answer in time.
   */
  connect(server: DirectoryServer, deadlineMs: number): Promise<DirectorySession>;
}

export const directorySecurities = ['none', 'starttls', 'starttls+insecure', 'ldaps', 'ldaps+insecure'] as const; // prettier-ignore
export type DirectorySecurity = (typeof directorySecurities)[number];

export interface DirectoryServer {
  readonly host: string;
  readonly port: number;
  readonly security: DirectorySecurity;
  /** PEM files of this machine; '' for none. The certificate's may hold the key, too. */
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** Rejects with `unavailable` where the server does not answer, or says that it cannot. */
export interface DirectorySession {
  /** Whether it takes the name with this password, which is not '': servers take that for nobody, whatever the name. */
  bind(dn: string, password: string): Promise<boolean>;
  /** Entries below `base`, `entriesMax` at the most. */
  search(base: string, asked: DirectorySearch): Promise<readonly DirectoryEntry[]>;
  close(): void;
}

export interface DirectorySearch {
  /** RFC 4515. */
  readonly filter: string;
  readonly attribute: string | undefined;
  readonly entriesMax: number;
}

export interface DirectoryEntry {
  readonly dn: string;
  /** Of the attribute that was asked for. */
  readonly values: readonly string[];
}

/** Of a node without any. */
export const noDirectory: Directory = {
  connect: ({ host }) =>
    Promise.reject(new DbError('unavailable', `no LDAP server is reached: ${host}`)),
};

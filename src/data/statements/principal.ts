import type { RequiredPrivilege } from '../../influxql/privileges.ts';

/** Who makes a request. */
export interface Principal {
  /** '' when nobody had to say who they are. */
  readonly name: string;
  holds(privilege: RequiredPrivilege): boolean;
  mayWrite(database: string): boolean;
}

/** With `[http] auth-enabled = false` anyone may do anything, as with the reference. */
export const everyone: Principal = { name: '', holds: () => true, mayWrite: () => true };

import { DbError, type DbErrorCode } from '../../src/base/errors.ts';
import type { Disk } from '../../src/env/disk.ts';

export interface RefusedCalls {
  readonly name: 'list' | 'open' | 'replaceFile';
  readonly path: RegExp;
  readonly code: DbErrorCode;
}

/** Calls of this name for paths that match fail with `code` and `no room` while `isFailing()`; all else goes to `disk`. */
export function refusingDisk(
  disk: Disk,
  { name: refused, path: pattern, code }: RefusedCalls,
  isFailing: () => boolean,
): Disk {
  return new Proxy(disk, {
    get(inner, name) {
      const member: unknown = Reflect.get(inner, name);
      if (typeof member !== 'function') return member;
      const call = member.bind(inner) as (path: string, ...rest: unknown[]) => unknown;
      if (name !== refused) return call;
      return (path: string, ...rest: unknown[]) =>
        isFailing() && pattern.test(path)
          ? Promise.reject(new DbError(code, `${name} ${path}: no room`))
          : call(path, ...rest);
    },
  });
}

import { errorText } from './errors.ts';

const reasons: ReadonlyMap<string | undefined, string> = new Map([
  ['EADDRINUSE', 'bind: address already in use'],
  ['EADDRNOTAVAIL', 'bind: cannot assign requested address'],
  ['EACCES', 'bind: permission denied'],
  ['EINVAL', 'bind: invalid argument'],
]);

/** Why nobody can listen at an address, as Go's net says it. */
export function listenFault(error: unknown): string {
  return reasons.get((error as NodeJS.ErrnoException).code) ?? errorText(error);
}

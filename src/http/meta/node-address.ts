import { DbError } from '../../base/errors.ts';

const anyHosts = new Set(['', '0.0.0.0', '[::]', '::']);

/**
 * An address of a node goes into the catalog as it is given, and all others call the node by it. Throws `invalid_argument` for one that
 * is whoever calls: it is reached by the meta node that is asked, where both are on one machine, and by nobody else.
 */
export function refuseOwnHost(address: string): void {
  const [, host] = /^(.*):\d+$/s.exec(address) ?? [];
  if (host === undefined || !anyHosts.has(host)) return;
  throw new DbError('invalid_argument', `${address} names no host that other nodes could call`);
}

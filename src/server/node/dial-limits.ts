import type { DialMsOf } from '../../rpc/grpc/grpc-transport.ts';
import type { DataConfig } from './data-config.ts';

/** What statements ask of the shards of other nodes. By name: the methods' messages are loaded once a node starts. */
export const askedByQueries = ['Describe', 'List', 'Marks', 'Fragment', 'Answer', 'Blocks'].map(
  (name) => `/varve.data.v1.Shards/${name}`,
);

/**
 * `[cluster] dial-timeout`: so long a query waits for a connection to another node before it asks another owner. Writes wait as
 * long as they may take. 0: as long as connections of any kind.
 */
export function dialLimits(config: DataConfig): DialMsOf {
  const limitMs = config.get('cluster', 'dial-timeout');
  const methods = new Set(limitMs === 0 ? [] : askedByQueries);
  return (method) => (methods.has(method) ? limitMs : undefined);
}

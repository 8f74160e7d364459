import type { Clock } from './clock.ts';
import type { Disk } from './disk.ts';
import type { EngineHost } from './engine-host.ts';
import type { Inbound } from './inbound.ts';
import type { Jobs } from './jobs.ts';
import type { KvOpener } from './kv.ts';
import type { Log } from './log.ts';
import type { Outbound } from './outbound.ts';
import type { Profiler } from './profiler.ts';
import type { Random } from './random.ts';
import type { RpcTransport } from './transport.ts';

/**
 * Everything a node may touch outside its own memory. Only `server/` handles the whole; a class takes the ports it
 * uses and no more.
 */
export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly kv: KvOpener;
  readonly transport: RpcTransport;
  readonly jobs: Jobs;
  readonly outbound: Outbound;
  readonly inbound: Inbound;
  readonly profiler: Profiler;
  readonly engines: EngineHost;
  readonly log: Log;
}

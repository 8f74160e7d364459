import type { Clock } from '../clock.ts';
import type { Env } from '../env.ts';
import type { LogLevel } from '../log.ts';
import type { RpcTransport } from '../transport.ts';
import { createLogId, type LogFormat } from './log/log-format.ts';
import { NodeClock } from './node-clock.ts';
import { NodeDisk } from './node-disk.ts';
import { NodeJobs } from './node-jobs.ts';
import { NodeKvOpener } from './node-kv.ts';
import { NodeLog } from './log/node-log.ts';
import { NodeProfiler } from './node-profiler.ts';
import { NodeInbound } from './network/node-inbound.ts';
import { NodeOutbound } from './network/node-outbound.ts';
import { createNodeRandom } from './node-random.ts';
import { WorkerEngineHost } from './engine/worker-engine-host.ts';

export interface NodeEnvOptions {
  readonly log: {
    /** `auto` is `console` on a terminal and `logfmt` elsewhere, as the reference. */
    readonly format: LogFormat | 'auto';
    readonly level: LogLevel;
    /** Takes one line with its newline; standard error when left out. */
    readonly write?: (line: string) => void;
  };
  /** The module that calls serveEngine. */
  readonly engineWorkerUrl: URL;
  /** rpc/grpc is a floor above: the caller brings it. */
  readonly createTransport: (ports: { readonly clock: Clock }) => RpcTransport;
}

/** The real world for one process. */
export function createNodeEnv(options: NodeEnvOptions): Env & { readonly log: NodeLog } {
  const clock = new NodeClock();
  const random = createNodeRandom();
  const { format, level, write } = options.log;
  const log = NodeLog.create({
    clock,
    level,
    format: format === 'auto' ? (process.stderr.isTTY ? 'console' : 'logfmt') : format,
    logId: createLogId(clock.wallNs(), random.u32()),
    ...(write !== undefined && { write }),
  });
  return {
    clock,
    random,
    disk: new NodeDisk(),
    kv: new NodeKvOpener(),
    transport: options.createTransport({ clock }),
    jobs: new NodeJobs(),
    outbound: new NodeOutbound(),
    inbound: new NodeInbound(),
    profiler: new NodeProfiler(),
    engines: new WorkerEngineHost({ workerUrl: options.engineWorkerUrl, log }),
    log,
  };
}

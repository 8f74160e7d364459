import { errorText } from '../base/errors.ts';
import type { Clock } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import type { RpcHandlers } from '../env/transport.ts';

export interface TracePorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Pick<Log, 'info'>;
}

/** The same handlers, which tell of each request how long it took and what came of it (`[cluster] cluster-tracing`). */
export function traced(handlers: RpcHandlers, { clock, log }: TracePorts): RpcHandlers {
  const begin = (method: string, request: Uint8Array) => {
    const [startMs, requestBytes] = [clock.monotonicMs(), request.length];
    return (replyBytes: number, error?: unknown): void => {
      const ms = Math.round((clock.monotonicMs() - startMs) * 1_000) / 1_000;
      const failure = error === undefined ? undefined : errorText(error);
      log.info('Cluster request', { method, requestBytes, replyBytes, ms, error: failure });
    };
  };
  return {
    ...handlers,
    call: async (method, request, context) => {
      const end = begin(method, request);
      try {
        const reply = await handlers.call(method, request, context);
        end(reply.length);
        return reply;
      } catch (error) {
        end(0, error);
        throw error;
      }
    },
    async *stream(method, request, context) {
      const end = begin(method, request);
      let replyBytes = 0;
      let failure: unknown;
      try {
        for await (const reply of handlers.stream(method, request, context)) {
          replyBytes += reply.length;
          yield reply;
        }
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        end(replyBytes, failure);
      }
    },
  };
}

import { isDbError, DbError } from '../../src/base/errors.ts';
import { NodeClock } from '../../src/env/node/node-clock.ts';
import { GrpcTransport } from '../../src/rpc/grpc/grpc-transport.ts';

interface Burst {
  readonly count: number;
  readonly atOnceCount: number;
}

const deadlineMs = 100_000;

/**
 * Calls over one real connection, `atOnceCount` at a time: of eight, five are answered, two fail and one is cancelled.
 * Gives how often each code came back.
 */
export async function callInBurst(burst: Burst): Promise<Readonly<Record<string, number>>> {
  const transport = new GrpcTransport({ clock: new NodeClock() });
  const listener = await transport.listen('127.0.0.1:0', {
    admit: () => ({ kind: 'call', requestBytesMax: 1_000, isTrusted: true }),
    call: (method, request) => {
      if (method === '/test/never') return new Promise<never>(() => undefined);
      if (method === '/test/fail') return Promise.reject(new DbError('partial_write', 'dropped=1'));
      return Promise.resolve(request);
    },
    async *stream() {
      yield await Promise.resolve(new Uint8Array(1));
    },
  });
  const call = (method: string, signal?: AbortSignal) =>
    transport.call(listener.address, method, new Uint8Array(8), { deadlineMs, signal });
  const counts: Record<string, number> = {};
  // Connected first: what follows is to meet a session at work.
  await call('/test/echo');
  await inParallel(burst, async (index) => {
    const outcome = await outcomeOf(index, call);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  });
  await transport.close();
  await listener.close();
  return counts;
}

async function outcomeOf(
  index: number,
  call: (method: string, signal?: AbortSignal) => Promise<unknown>,
): Promise<string> {
  const controller = new AbortController();
  const isCancelled = index % 8 === 7;
  const method = isCancelled ? '/test/never' : index % 4 === 1 ? '/test/fail' : '/test/echo';
  if (isCancelled)
    setImmediate(() => {
      controller.abort();
    });
  try {
    await call(method, controller.signal);
    return 'ok';
  } catch (error) {
    return isDbError(error) ? error.code : String(error);
  }
}

async function inParallel(
  { count, atOnceCount }: Burst,
  run: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: atOnceCount }, worker));
}

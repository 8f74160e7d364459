import type { ServerHttp2Stream } from 'node:http2';
import { DbError } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import { MessageReader } from './length-prefixed.ts';

/** Between two requests of a dialog. */
const silenceMs = 60_000;

/**
 * The messages of a request one by one, as they come; while one is with the caller the stream is not read on. Ends with
 * the request. Throws `too_large`, `unsupported`, `invalid_argument` when one is cut short, `timeout`, `cancelled`.
 */
export async function* readMessages(
  stream: ServerHttp2Stream,
  { clock, lengthBytesMax }: { readonly clock: Clock; readonly lengthBytesMax: number },
): AsyncGenerator<Uint8Array, undefined> {
  const reader = new MessageReader(lengthBytesMax);
  let timer: Timer | undefined;
  const listen = (): void => {
    timer?.cancel();
    timer = clock.after(silenceMs, () => {
      stream.destroy(new DbError('timeout', 'the caller is silent'));
    });
  };
  try {
    listen();
    for await (const part of stream.iterator({ destroyOnReturn: false })) {
      reader.push(part as Buffer);
      for (let message = reader.take(); message !== undefined; message = reader.take()) {
        timer?.cancel();
        yield message;
      }
      listen();
    }
    if (reader.heldBytes > 0) throw new DbError('invalid_argument', 'a message is cut short');
    return undefined;
  } finally {
    timer?.cancel();
  }
}

import type { Duplex } from 'node:stream';
import type { Clock } from '../../env/clock.ts';
import type { RpcHandlers } from '../../env/transport.ts';

const headBytesMax = 8_192;
const headMs = 10_000;

/**
 * Answers one HTTP/1.1 request on a connection that does not speak HTTP/2, and closes it: 200, 404, or 405 for anything
 * but GET. `first` is what has arrived of it.
 */
export function answerHttpGet(
  socket: Duplex,
  first: Buffer,
  { clock, handlers }: { readonly clock: Clock; readonly handlers: RpcHandlers },
): void {
  let head = first.toString('latin1');
  const timer = clock.after(headMs, () => {
    socket.destroy();
  });
  socket.once('close', () => {
    timer.cancel();
  });
  const tryAnswer = (): void => {
    if (head.includes('\r\n\r\n') || head.length > headBytesMax) {
      socket.off('data', onData);
      socket.end(responseOf(head, handlers));
    }
  };
  const onData = (more: Buffer): void => {
    head += more.toString('latin1');
    tryAnswer();
  };
  socket.on('data', onData);
  socket.resume();
  tryAnswer();
}

function responseOf(head: string, handlers: RpcHandlers): string {
  const [method = '', target = ''] = head.split('\r\n', 1)[0]?.split(' ') ?? [];
  if (method !== 'GET') return response('405 Method Not Allowed', 'text/plain', '');
  const answer = handlers.httpGet?.(target.split('?')[0] ?? '');
  if (answer === undefined) return response('404 Not Found', 'text/plain', '404 page not found\n');
  return response('200 OK', answer.contentType, answer.body);
}

function response(status: string, contentType: string, body: string): string {
  const length = Buffer.byteLength(body);
  return `HTTP/1.1 ${status}\r\nContent-Type: ${contentType}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n${body}`;
}

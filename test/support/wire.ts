import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection that is read to the end of each answer. */
export class Wire {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (piece) => (this.#bytes = Buffer.concat([this.#bytes, piece])));
  }

  static async open(url: string): Promise<Wire> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new Wire(socket);
  }

  send(text: string | Uint8Array): void {
    this.#socket.write(text);
  }

  /** The next answer: its head without what differs from one to the next, and its body. */
  async answer(): Promise<string> {
    for (;;) {
      const end = this.#bytes.indexOf('\r\n\r\n') + 4;
      const head = this.#bytes.toString('latin1', 0, end);
      const rest = this.#bytes.subarray(end);
      const body = end < 4 ? undefined : bodyOf(head, rest);
      if (body !== undefined) {
        this.#bytes = Buffer.from(rest.subarray(body.lengthBytes));
        const alike = head.replaceAll(/^((?:x-)?request-id|date): .*$/gim, '$1');
        return alike + body.text;
      }
      await once(this.#socket, 'data');
    }
  }

  /** Reads no more until resume(). */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Resolves once the server has closed it. */
  async closed(): Promise<void> {
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Undefined until it is whole; `lengthBytes` as it came. */
function bodyOf(head: string, rest: Buffer): { text: string; lengthBytes: number } | undefined {
  if (!/^transfer-encoding: chunked/im.test(head)) {
    const lengthBytes = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    return rest.length < lengthBytes ? undefined : { text: rest.toString('utf8', 0, lengthBytes), lengthBytes }; // prettier-ignore
  }
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const line = rest.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(rest.toString('latin1', at, line), 16);
    const next = line + 2 + size + 2;
    if (next > rest.length) return undefined;
    if (size === 0) return { text: Buffer.concat(parts).toString('utf8'), lengthBytes: next };
    parts.push(rest.subarray(line + 2, line + 2 + size));
    at = next;
  }
}

/**
 * Posts bodies over connections that stay open, with as little work as can be: the load generator shares the machine with
 * the server, and a client that costs more than a small write does would hide what the server costs. Takes answers whose
 * length is announced or that have none.
 */
import { connect, type Socket } from 'node:net';

const headEnd = Buffer.from('\r\n\r\n');

export class RawClient {
  readonly #socket: Socket;
  readonly #head: string;
  #answer: Buffer = Buffer.alloc(0);
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket, { pathname, search, host }: URL) {
    this.#socket = socket;
    this.#head = `POST ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: `;
    socket.on('data', (bytes) => {
      this.#take(bytes);
    });
    const fail = (error?: Error): void => {
      this.#settle?.reject(error ?? new Error('the server has closed the connection'));
    };
    socket.on('error', fail);
    socket.on('close', () => {
      fail();
    });
  }

  static connect(url: URL): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        resolve(new RawClient(socket, url));
      });
    });
  }

  /** Resolves with the answer 204, rejects with any other. */
  post(body: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.cork();
      this.#socket.write(`${this.#head}${body.length}\r\n\r\n`, 'latin1');
      this.#socket.write(body);
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#answer = this.#answer.length === 0 ? bytes : Buffer.concat([this.#answer, bytes]);
    const end = this.#answer.indexOf(headEnd);
    if (end < 0) return;
    const head = this.#answer.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#answer.length < end + headEnd.length + length) return;
    const text = this.#answer.toString('utf8', end + headEnd.length);
    this.#answer = Buffer.alloc(0);
    const settle = this.#settle;
    this.#settle = undefined;
    if (head.startsWith('HTTP/1.1 204')) settle?.resolve();
    else settle?.reject(new Error(`${head.split('\r\n')[0] ?? ''} ${text}`));
  }
}

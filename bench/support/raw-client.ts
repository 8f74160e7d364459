/**
 * Posts bodies over connections that stay open, with as little work as can be: the load generator shares the machine with
 * the server, and a client that costs more than a small write does would hide what the server costs. Takes answers whose
 * length is announced or that have none.
 */
import { connect, type Socket } from 'node:net';

const headEnd = Buffer.from('\r\n\r\n');
const good = Buffer.from('HTTP/1.1 204');
/** Of an answer that is read at once; longer ones come in pieces. */
const readBytes = 16_384;
/** A request of up to so many bytes is one piece of memory that is sent in one call. */
const joinedBytesMax = 16_384;

export class RawClient {
  readonly #socket: Socket;
  readonly #head: string;
  /** What is sent is nobody's again once its answer is here. */
  readonly #joined = Buffer.alloc(joinedBytesMax);
  #answer: Buffer = Buffer.alloc(0);
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(url: URL, connected: (client: RawClient) => void) {
    const { pathname, search, host, hostname, port } = url;
    this.#head = `POST ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: `;
    const buffer = Buffer.alloc(readBytes);
    const onread = {
      buffer,
      callback: (lengthBytes: number) => {
        this.#take(buffer.subarray(0, lengthBytes));
        return true;
      },
    };
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true, onread }, () => {
      connected(this);
    });
    const fail = (error?: Error): void => {
      this.#settle?.reject(error ?? new Error('the server has closed the connection'));
    };
    this.#socket.on('error', fail);
    this.#socket.on('close', () => {
      fail();
    });
  }

  static connect(url: URL): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const client: RawClient = new RawClient(url, resolve);
      client.#settle = { resolve: () => undefined, reject };
    });
  }

  /** Resolves with the answer 204, rejects with any other. */
  post(body: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      const head = `${this.#head}${body.length}\r\n\r\n`;
      if (head.length + body.length <= joinedBytesMax) {
        const headBytes = this.#joined.write(head, 0, 'latin1');
        body.copy(this.#joined, headBytes);
        this.#socket.write(this.#joined.subarray(0, headBytes + body.length));
        return;
      }
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      this.#socket.write(body);
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    // What most answers are: all of one, without a body.
    if (this.#answer.length === 0 && isGood(bytes)) this.#settled()?.resolve();
    else this.#add(bytes);
  }

  #add(bytes: Buffer): void {
    this.#answer = Buffer.concat([this.#answer, bytes]);
    const end = this.#answer.indexOf(headEnd);
    if (end < 0) return;
    const head = this.#answer.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#answer.length < end + headEnd.length + length) return;
    const text = this.#answer.toString('utf8', end + headEnd.length);
    this.#answer = Buffer.alloc(0);
    const settle = this.#settled();
    if (head.startsWith('HTTP/1.1 204')) settle?.resolve();
    else settle?.reject(new Error(`${head.split('\r\n')[0] ?? ''} ${text}`));
  }

  #settled() {
    const settle = this.#settle;
    this.#settle = undefined;
    return settle;
  }
}

function isGood(bytes: Buffer): boolean {
  return (
    bytes.compare(good, 0, good.length, 0, good.length) === 0 &&
    bytes.indexOf(headEnd) === bytes.length - headEnd.length
  );
}

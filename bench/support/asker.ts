import { connect, type Socket } from 'node:net';

/**
 * Asks over connections that stay open, with no more of HTTP than our servers and their peers speak here: a client on the
 * same cores that takes as long as the server does would be half of what is measured.
 */
export class Asker {
  readonly #connectionsMax: number;
  readonly #connections = new Map<string, Connection[]>();

  constructor(connections: number) {
    this.#connectionsMax = connections;
  }

  /** The body, whatever the status. */
  async get(url: string): Promise<Buffer> {
    return (await this.#ask(url, 'GET', undefined)).body;
  }

  /** Throws unless the answer is 204. */
  async write(url: string, body: Buffer): Promise<void> {
    const answer = await this.#ask(url, 'POST', body);
    if (answer.status !== 204) throw new Error(`${answer.status} ${answer.body.toString()}`);
  }

  close(): void {
    for (const connections of this.#connections.values())
      for (const connection of connections) connection.close();
  }

  /** By the connection of that server that has least to do. */
  #ask(url: string, method: string, body: Buffer | undefined): Promise<Answer> {
    const { host, hostname, port, pathname, search } = new URL(url);
    const connections = this.#connections.get(host) ?? [];
    this.#connections.set(host, connections);
    let [least] = connections;
    for (const one of connections)
      if (least === undefined || one.waiting < least.waiting) least = one;
    if (least === undefined || (least.waiting > 0 && connections.length < this.#connectionsMax)) {
      least = new Connection(connect({ host: hostname, port: Number(port), noDelay: true }));
      connections.push(least);
    }
    const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`;
    return least.ask(
      `${method} ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${length}\r\n`,
      body,
    );
  }
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

interface Asked {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** One request after the other; answers come in their order. */
class Connection {
  readonly #socket: Socket;
  readonly #asked: Asked[] = [];
  #reader = new AnswerReader();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (part: Buffer) => {
      this.#take(part);
    });
    const fail = (error = new Error('the server has closed the connection')): void => {
      for (const { reject } of this.#asked.splice(0)) reject(error);
    };
    socket.on('error', fail);
    socket.on('close', () => {
      fail();
    });
  }

  get waiting(): number {
    return this.#asked.length;
  }

  ask(head: string, body: Buffer | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      if (body !== undefined) this.#socket.write(body);
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(part: Buffer): void {
    for (let rest = part; rest.length > 0;) {
      const answer = this.#reader.read(rest);
      if (answer === undefined) return;
      this.#asked.shift()?.resolve(answer);
      rest = this.#reader.rest;
      this.#reader = new AnswerReader();
    }
  }
}

/** Reads one answer: a head, then a body of a length that it names, or in chunks. */
class AnswerReader {
  #parts: Buffer[] = [];
  #length = 0;
  #wanted = -1;
  #status = 0;
  #isChunked = false;
  rest: Buffer = Buffer.alloc(0);

  /** Undefined until the answer is whole; then `rest` is what came behind it. */
  read(part: Buffer): Answer | undefined {
    this.#parts.push(part);
    this.#length += part.length;
    if (this.#wanted < 0 && !this.#readHead()) return undefined;
    if (this.#isChunked) return this.#readChunks();
    if (this.#length < this.#wanted) return undefined;
    const bytes = this.#joined();
    this.rest = bytes.subarray(this.#wanted);
    return { status: this.#status, body: bytes.subarray(0, this.#wanted) };
  }

  #readHead(): boolean {
    const bytes = this.#joined();
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = bytes.toString('latin1', 0, end);
    this.#status = Number(head.slice(9, 12));
    this.#wanted = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    this.#isChunked = /^transfer-encoding: chunked/im.test(head);
    this.#parts = [bytes.subarray(end + 4)];
    this.#length = bytes.length - end - 4;
    return true;
  }

  /** Looked through once the last chunk seems to be there, so that a long answer is not read again for each of its parts. */
  #readChunks(): Answer | undefined {
    const last = this.#parts[this.#parts.length - 1] ?? this.rest;
    const tail = last.length >= 5 ? last : this.#joined();
    if (!tail.subarray(-5).equals(lastChunk)) return undefined;
    const bytes = this.#joined();
    const body: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const line = bytes.indexOf('\r\n', at);
      const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
      if (size === 0) return { status: this.#status, body: Buffer.concat(body) };
      if (line + 2 + size > bytes.length) return undefined;
      body.push(bytes.subarray(line + 2, line + 2 + size));
      at = line + 2 + size + 2;
    }
    return undefined;
  }

  #joined(): Buffer {
    const [only] = this.#parts;
    const bytes =
      this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    this.#parts = [bytes];
    return bytes;
  }
}

const lastChunk = Buffer.from('0\r\n\r\n');

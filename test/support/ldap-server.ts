/**
 * An LDAP server for tests, written from RFC 4511: simple binds, searches of whole trees by equality, presence and substrings, and
 * StartTLS. What it does wrong is for tests to choose.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface LdapEntry {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  readonly password?: string;
}

export interface LdapServerOptions {
  /** For StartTLS, or for all of a connection. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer; readonly isFirst?: boolean };
  /** Sends these in the clear right behind its answer to StartTLS. */
  readonly injected?: Buffer;
}

interface Tlv {
  readonly tag: number;
  readonly content: Buffer;
}

const tags = { sequence: 0x30, integer: 2, text: 4, enumerated: 10 } as const;
const codes = { ok: 0, noObject: 32, wrong: 49, notAllowed: 50 } as const;

export class LdapServer {
  readonly entries: LdapEntry[];
  /** DNs that were bound, right or wrong, and the filters of searches as they came. */
  readonly asked: string[] = [];
  /** It takes requests and answers none. */
  isHanging = false;
  readonly #options: LdapServerOptions;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(entries: readonly LdapEntry[], options: LdapServerOptions) {
    this.entries = [...entries];
    this.#options = options;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      this.#serve(options.tls?.isFirst === true ? this.#secured(socket) : socket);
    });
  }

  static async open(entries: readonly LdapEntry[], options: LdapServerOptions = {}): Promise<LdapServer> {
    const server = new LdapServer(entries, options);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  } // prettier-ignore

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open. */
  get openCount(): number {
    return this.#sockets.size;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #secured(socket: Socket): TLSSocket {
    const { cert, key } = this.#options.tls ?? {};
    return new TLSSocket(socket, { isServer: true, cert, key }).on('error', () => undefined);
  }

  #serve(socket: Socket): void {
    let kept = Buffer.alloc(0);
    let bound = '';
    const take = (part: Buffer): void => {
      kept = Buffer.concat([kept, part]);
      for (;;) {
        const message = readTlv(kept);
        if (message === undefined) return;
        kept = kept.subarray(message.lengthBytes);
        if (this.isHanging) continue;
        const [id, operation] = childrenOf(message.content);
        if (id === undefined || operation === undefined || operation.tag === 0x42) return void socket.end();
        if (operation.tag === 0x77) {
          socket.off('data', take);
          this.#startTls(socket, id);
          return;
        }
        const { replies, dn } = this.#answer(operation, bound);
        bound = dn ?? bound;
        socket.write(Buffer.concat(replies.map((reply) => tlv(tags.sequence, tlv(tags.integer, id.content), reply))));
      }
    };
    socket.on('data', take);
  } // prettier-ignore

  #startTls(socket: Socket, id: Tlv): void {
    const isThere = this.#options.tls !== undefined;
    const reply = result(0x78, isThere ? codes.ok : 2);
    const message = tlv(tags.sequence, tlv(tags.integer, id.content), reply);
    socket.write(Buffer.concat([message, this.#options.injected ?? Buffer.alloc(0)]));
    if (isThere) this.#serve(this.#secured(socket));
  }

  #answer(operation: Tlv, bound: string): { readonly replies: readonly Buffer[]; readonly dn?: string } {
    const parts = childrenOf(operation.content);
    if (operation.tag === 0x60) {
      const [, name, password] = parts;
      const dn = name?.content.toString() ?? '';
      this.asked.push(`bind ${dn}`);
      const isRight = this.entries.some((one) => one.dn.toLowerCase() === dn.toLowerCase() && one.password === password?.content.toString());
      // RFC 4513, 5.1.2: no password is nobody, whatever the name.
      const isNobody = password?.content.length === 0;
      return { replies: [result(0x61, isRight || isNobody ? codes.ok : codes.wrong)], dn: isRight ? dn : '' };
    }
    const base = parts[0]?.content.toString() ?? '';
    const filter = parts[6];
    const sizeMax = parts[3]?.content.readUIntBE(0, parts[3].content.length) ?? 0;
    const wanted = childrenOf(parts[7]?.content ?? Buffer.alloc(0)).map(({ content }) => content.toString().toLowerCase());
    if (filter === undefined || bound === '') return { replies: [result(0x65, codes.notAllowed)] };
    this.asked.push(`search ${base} ${printed(filter)}`);
    if (!this.entries.some(({ dn }) => isBelow(dn, base))) return { replies: [result(0x65, codes.noObject)] };
    const found = this.entries.filter(({ dn, attributes }) => isBelow(dn, base) && matches(filter, attributes));
    const sent = sizeMax === 0 ? found : found.slice(0, sizeMax);
    return { replies: [...sent.map((entry) => entryOf(entry, wanted)), result(0x65, sent.length < found.length ? 4 : codes.ok)] };
  } // prettier-ignore
}

function isBelow(dn: string, base: string): boolean {
  const [left, right] = [dn.toLowerCase(), base.toLowerCase()];
  return left === right || left.endsWith(`,${right}`);
}

function entryOf({ dn, attributes }: LdapEntry, wanted: readonly string[]): Buffer {
  const named = Object.entries(attributes).filter(([name]) => wanted.includes(name.toLowerCase()));
  const listed = named.map(([name, values]) => tlv(tags.sequence, text(name), tlv(0x31, ...values.map(text)))); // prettier-ignore
  return tlv(0x64, text(dn), tlv(tags.sequence, ...listed));
}

function matches(filter: Tlv, attributes: LdapEntry['attributes']): boolean {
  const parts = filter.tag === 0x87 ? [] : childrenOf(filter.content);
  const valuesOf = (name: string): readonly string[] => {
    const found = Object.entries(attributes).find(([one]) => one.toLowerCase() === name.toLowerCase()); // prettier-ignore
    return (found?.[1] ?? []).map((value) => value.toLowerCase());
  };
  switch (filter.tag) {
    case 0xa0:
      return parts.every((one) => matches(one, attributes));
    case 0xa1:
      return parts.some((one) => matches(one, attributes));
    case 0xa2:
      return !parts.every((one) => matches(one, attributes));
    case 0xa3: {
      const [name, value] = parts.map(({ content }) => content.toString());
      return valuesOf(name ?? '').includes((value ?? '').toLowerCase());
    }
    case 0x87:
      return valuesOf(filter.content.toString()).length > 0;
    case 0xa4: {
      const pieces = childrenOf(parts[1]?.content ?? Buffer.alloc(0)).map(({ content }) => content.toString().toLowerCase()); // prettier-ignore
      return valuesOf(parts[0]?.content.toString() ?? '').some((value) => pieces.every((piece) => value.includes(piece))); // prettier-ignore
    }
  }
  throw new Error(`filter of tag ${filter.tag}`);
}

function printed(filter: Tlv): string {
  if (filter.tag === 0x87) return `(${filter.content.toString()}=*)`;
  const parts = childrenOf(filter.content);
  if (filter.tag === 0xa3) return `(${parts.map(({ content }) => content.toString()).join('=')})`;
  if (filter.tag === 0xa4) return `(${parts[0]?.content.toString()}~)`;
  return `(${'&|!'[filter.tag - 0xa0]}${parts.map(printed).join('')})`;
}

export function result(tag: number, code: number): Buffer {
  return tlv(tag, tlv(tags.enumerated, Buffer.of(code)), text(''), text(''));
}

export function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  const { length } = bytes;
  const head = length < 0x80 ? [length] : length < 0x1_00_00 ? [0x82, length >> 8, length & 0xff] : [0x84, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff]; // prettier-ignore
  return Buffer.concat([Buffer.of(tag, ...head), bytes]);
}

function text(value: string): Buffer {
  return tlv(tags.text, Buffer.from(value));
}

/** Undefined before all of it is there. */
function readTlv(bytes: Buffer): (Tlv & { readonly lengthBytes: number }) | undefined {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) return undefined;
  const extra = first < 0x80 ? 0 : first & 0x7f;
  if (bytes.length < 2 + extra) return undefined;
  const length = extra === 0 ? first : bytes.readUIntBE(2, extra);
  const end = 2 + extra + length;
  return bytes.length < end
    ? undefined
    : { tag, content: bytes.subarray(2 + extra, end), lengthBytes: end };
}

function childrenOf(content: Buffer): readonly Tlv[] {
  const children: Tlv[] = [];
  for (let rest = content; rest.length > 0;) {
    const child = readTlv(rest);
    if (child === undefined) throw new Error('a message is cut short');
    children.push(child);
    rest = rest.subarray(child.lengthBytes);
  }
  return children;
}

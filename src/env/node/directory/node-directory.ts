/**
 * LDAP servers by way of `ldapts`.
 *
 * Invariants:
 * - Nothing but the request for TLS goes out before TLS stands, where it is asked for, and nothing that came before counts: whoever
 *   sits between could have put it there. The library's own upgrade keeps what it has read, so that each side of it has a client of its own.
 * - A connection that is lost is not made anew: it would be neither secured nor bound.
 * - A session ends at its deadline, and at `sessionBytesMax`, whatever its server does.
 */
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type * as Ldapts from 'ldapts';
import type { Client, Entry } from 'ldapts';
import { dialText } from '../../../base/dial-text.ts';
import { DbError, errorText, isDbError } from '../../../base/errors.ts';
import { MiB } from '../../../base/units.ts';
import type { Directory, DirectoryEntry, DirectorySearch, DirectoryServer, DirectorySession } from '../../directory.ts'; // prettier-ignore
import { trustedRoots } from '../network/trusted-roots.ts';

const startTlsOid = '1.3.6.1.4.1.1466.20037';
/** What servers send in a session: a group of a hundred thousand members has some ten. */
const sessionBytesMax = 64 * MiB;

/** RFC 4511: what a server says of a name or a password that are not right, are locked, or may not come in. */
const noSuchObject = 32;
const refusingCodes = new Set([19, 32, 34, 48, 49, 50, 53]);

/** Loaded with the first connection: most nodes have none. */
let loaded: Promise<typeof Ldapts> | undefined;

export class NodeDirectory implements Directory {
  async connect(server: DirectoryServer, deadlineMs: number): Promise<DirectorySession> {
    const ended = new AbortController();
    const timer = setTimeout(() => {
      ended.abort(new Error('i/o timeout'));
    }, deadlineMs);
    ended.signal.addEventListener('abort', () => {
      clearTimeout(timer);
    });
    const address = `${server.host}:${server.port}`;
    try {
      const library = await (loaded ??= import('ldapts'));
      const socket = await secured(library, server, ended);
      return new NodeDirectorySession(clientOver(library, socket, deadlineMs), { address, ended });
    } catch (error) {
      const why: unknown = ended.signal.aborted ? ended.signal.reason : error;
      ended.abort(why);
      throw unavailable(address, why);
    }
  }
}

class NodeDirectorySession implements DirectorySession {
  readonly #client: Client;
  readonly #address: string;
  readonly #ended: AbortController;

  constructor(client: Client, { address, ended }: { readonly address: string; readonly ended: AbortController }) {
    this.#client = client;
    this.#address = address;
    this.#ended = ended;
  } // prettier-ignore

  async bind(dn: string, password: string): Promise<boolean> {
    if (password === '') return false;
    try {
      await this.#client.bind(dn, password);
      return true;
    } catch (error) {
      if (refusingCodes.has(resultCode(error))) return false;
      throw this.#failure(error);
    }
  }

  async search(base: string, { filter, attribute, entriesMax }: DirectorySearch): Promise<readonly DirectoryEntry[]> {
    // RFC 4511: 1.1 is no attribute at all.
    const attributes = [attribute ?? '1.1'];
    try {
      const { searchEntries } = await this.#client.search(base, { filter, attributes, sizeLimit: entriesMax, scope: 'sub' });
      return searchEntries.slice(0, entriesMax).map((entry) => entryOf(entry, attribute));
    } catch (error) {
      // There is nothing there, or nothing that who searches may see.
      if (resultCode(error) === noSuchObject) return [];
      throw this.#failure(error);
    }
  } // prettier-ignore

  close(): void {
    this.#ended.abort(new Error('closed'));
  }

  #failure(error: unknown): DbError {
    const { signal } = this.#ended;
    return unavailable(this.#address, signal.aborted ? signal.reason : error);
  }
}

/** What a server has answered by RFC 4511; -1 for what is no answer. */
function resultCode(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : -1;
}

/** Names of attributes are the same in any case. */
function entryOf(entry: Entry, attribute: string | undefined): DirectoryEntry {
  const wanted = attribute?.toLowerCase();
  const found = Object.entries(entry).find(([name]) => name !== 'dn' && name.toLowerCase() === wanted); // prettier-ignore
  const values = found === undefined ? [] : [found[1]].flat();
  return { dn: entry.dn, values: values.map(String) };
}

/** A client of a connection that stands already, and of no other. */
function clientOver(library: typeof Ldapts, socket: Socket, timeoutMs: number): Client {
  let isTaken = false;
  return new library.Client({
    url: 'ldap://connected',
    timeout: timeoutMs,
    connectTimeout: timeoutMs,
    createConnection: () => {
      if (isTaken) throw new Error('the connection was closed');
      isTaken = true;
      return socket;
    },
  });
}

async function secured(
  library: typeof Ldapts,
  server: DirectoryServer,
  ended: AbortController,
): Promise<Socket> {
  const { host, port, security } = server;
  const tls = security === 'none' ? undefined : await tlsOptions(server);
  const plain = bounded(connectTcp({ host, port, noDelay: true }), ended);
  await happens(plain, 'connect');
  if (tls === undefined) return plain;
  if (!security.startsWith('ldaps')) await askForTls(library, plain);
  const secure = bounded(connectTls({ ...tls, socket: plain }), ended);
  await happens(secure, 'secureConnect');
  return secure;
}

/** On a client that is thrown away with all that it has read. */
async function askForTls(library: typeof Ldapts, plain: Socket): Promise<void> {
  await clientOver(library, plain, 0).exop(startTlsOid);
  for (const event of ['data', 'end', 'timeout', 'error'] as const) plain.removeAllListeners(event);
  plain.on('error', () => undefined);
}

/** Ends with the session, and past its bytes. */
function bounded<T extends Socket>(socket: T, ended: AbortController): T {
  socket.on('error', () => undefined);
  let lengthBytes = 0;
  socket.on('data', (part: Buffer) => {
    lengthBytes += part.length;
    if (lengthBytes > sessionBytesMax) ended.abort(new Error('the server sends too much'));
  });
  const end = (): void => {
    socket.destroy();
  };
  if (ended.signal.aborted) end();
  ended.signal.addEventListener('abort', end);
  socket.once('close', () => {
    ended.signal.removeEventListener('abort', end);
  });
  return socket;
}

function happens(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
    socket.once('close', () => {
      reject(new Error('the connection was closed'));
    });
  });
}

async function tlsOptions({ host, security, certificatePath, keyPath }: DirectoryServer): Promise<ConnectionOptions> {
  const isVerified = !security.endsWith('+insecure');
  const cert = certificatePath === '' ? undefined : await readFile(certificatePath);
  const key = keyPath === '' ? cert : await readFile(keyPath);
  return {
    ...{ host, rejectUnauthorized: isVerified, minVersion: 'TLSv1.2' as const },
    ...(isVerified && { ca: [...trustedRoots()] }),
    // An address is no name that a server could be asked for by.
    ...(isIP(host) === 0 && { servername: host }),
    ...(cert !== undefined && { cert, key }),
  };
} // prettier-ignore

function unavailable(address: string, error: unknown): DbError {
  if (isDbError(error)) return error;
  const isDial = error instanceof Error && 'code' in error && typeof error.code === 'string';
  const text = isDial ? dialText(address, error as Error) : `${address}: ${errorText(error)}`;
  return new DbError('unavailable', text, { cause: error });
}

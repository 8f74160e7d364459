import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'; // prettier-ignore
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Latch } from '../../../base/async/latch.ts';
import { dialText } from '../../../base/dial-text.ts';
import { DbError, errorText } from '../../../base/errors.ts';
import { timeoutMsMax } from '../node-clock.ts';
import type { Outbound, PostAnswer, PostOptions, TlsTrust } from '../../outbound.ts';

/** A licence is a quarter of it; of an answer that is an error more is not shown to anybody. */
const answerBytesMax = 4_096;
/** Kept open to one host: a subscription has as many requests at once as `write-concurrency`. */
const idleSocketsMax = 16;

/** Go's. */
const redirectsMax = 10;

type Family = 'udp4' | 'udp6';

interface PlacedAnswer extends PostAnswer {
  /** Where the same is to be sent instead. */
  readonly location: string | undefined;
}

export class NodeOutbound implements Outbound {
  readonly #plain = new HttpAgent({ keepAlive: true, maxFreeSockets: idleSocketsMax });
  readonly #secure = new Map<string, HttpsAgent>();
  readonly #sockets = new Map<Family, Socket>();

  /** Where a server says that it is elsewhere the same is sent there, as Go's client does: a proxy that wants https, for one. */
  async post(url: string, body: Uint8Array, options: PostOptions): Promise<PostAnswer> {
    const endsAtMs = performance.now() + options.deadlineMs;
    let { headers } = options;
    let place = new URL(url);
    for (let count = 0; ; count++) {
      const deadlineMs = Math.max(0, endsAtMs - performance.now());
      const { location, ...answer } = await this.#postOnce(place, body, { ...options, headers, deadlineMs }); // prettier-ignore
      const next = count < redirectsMax ? nextPlace(location, place) : undefined;
      if (next === undefined) return answer;
      if (next.host !== place.host) headers = withoutSecrets(headers);
      place = next;
    }
  }

  #postOnce(place: URL, body: Uint8Array, options: PostOptions): Promise<PlacedAnswer> {
    const { headers, deadlineMs, signal, trust } = options;
    const answer = new Latch<PlacedAnswer>();
    const all = { method: 'POST', headers: { ...headers, 'Content-Length': String(body.length) } };
    const request: ClientRequest =
      place.protocol === 'https:'
        ? httpsRequest(place, { ...all, agent: this.#agentOf(trust) })
        : httpRequest(place, { ...all, agent: this.#plain });
    const onAbort = (): void => {
      request.destroy(signal.reason as Error);
    };
    const late = new DbError('timeout', 'timeout awaiting the answer');
    const timer = setTimeout(() => request.destroy(late), Math.min(deadlineMs, timeoutMsMax));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const fail = (error: unknown): void => {
      const isOurs = error === late || error === signal.reason;
      const text = dialText(addressOf(place), error as Error);
      answer.fail(isOurs ? error : new DbError('unavailable', text, { cause: error }));
    };
    request.once('error', fail).once('response', (response) => {
      const { statusCode: status = 0 } = response;
      const location = status === 307 || status === 308 ? response.headers.location : undefined;
      readText(response).then((text) => {
        answer.open({ status, text, location });
      }, fail);
    });
    request.end(body);
    return answer.promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    });
  }

  async sendDatagrams(
    { host, port }: { readonly host: string; readonly port: number },
    parts: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      // Once for all of them; the resolver keeps nothing itself.
      const { address, family } = await lookup(host);
      const socket = this.#socketOf(family === 6 ? 'udp6' : 'udp4');
      for (const part of parts) {
        if (signal.aborted) return;
        await new Promise<void>((resolve, reject) => {
          socket.send(part, port, address, (error) => {
            if (error === null) resolve();
            else reject(error);
          });
        });
      }
    } catch (error) {
      throw new DbError('unavailable', errorText(error), { cause: error });
    }
  }

  close(): Promise<void> {
    this.#plain.destroy();
    for (const agent of this.#secure.values()) agent.destroy();
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
    return Promise.resolve();
  }

  /** One for each kind of trust: connections must not pass from one to another. */
  #agentOf({ isVerified, caPem }: TlsTrust): HttpsAgent {
    const key = `${isVerified} ${caPem ?? ''}`;
    const known = this.#secure.get(key);
    if (known !== undefined) return known;
    const agent = new HttpsAgent({
      keepAlive: true,
      maxFreeSockets: idleSocketsMax,
      rejectUnauthorized: isVerified,
      ...(caPem !== undefined && { ca: caPem }),
    });
    this.#secure.set(key, agent);
    return agent;
  }

  #socketOf(family: Family): Socket {
    const known = this.#sockets.get(family);
    if (known !== undefined) return known;
    const socket = createSocket(family).unref();
    // What a send meets is told to its caller; a refusal that comes later is nobody's.
    socket.on('error', () => undefined);
    this.#sockets.set(family, socket);
    return socket;
  }
}

function addressOf({ protocol, hostname, port }: URL): string {
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

/** What went by TLS is not sent in the clear. */
function nextPlace(location: string | undefined, place: URL): URL | undefined {
  const next = location === undefined ? null : URL.parse(location, place.href);
  if (next === null) return undefined;
  const isTaken = next.protocol === 'https:' || (next.protocol === 'http:' && place.protocol === 'http:'); // prettier-ignore
  return isTaken ? next : undefined;
}

function withoutSecrets(headers: PostOptions['headers']): PostOptions['headers'] {
  const kept = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization');
  return Object.fromEntries(kept);
}

/** The whole is read, so that the connection can be kept; the start of it is answered. */
async function readText(response: IncomingMessage): Promise<string> {
  const parts: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    if (lengthBytes < answerBytesMax) parts.push(part);
    lengthBytes += part.length;
  }
  return Buffer.concat(parts).subarray(0, answerBytesMax).toString('utf8');
}

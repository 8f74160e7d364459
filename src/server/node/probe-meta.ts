/**
 * Asks another meta node's `/status`, by an address that whoever adds a node has given. What answers there may be
 * anything: nothing of an answer is passed on, it is only read as what a meta node would say.
 */
import { get, type ClientRequest, type RequestOptions } from 'node:http';
import { get as getSecurely } from 'node:https';
import { dialText } from '../../base/dial-text.ts';
import { DbError } from '../../base/errors.ts';
import { trustedRoots } from '../../env/node/network/trusted-roots.ts';
import type { MetaProbe } from '../../http/meta/meta-api-options.ts';

const probeMs = 5_000;
const answerBytesMax = 65_536;
const peersMax = 64;
const noMeta = 'answers, but is not an influxd-meta';
const addressPattern = /^[\w.:\-[\]%]{1,255}:\d{1,5}$/;

interface ProbeOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** It speaks TLS; undefined: it does not. */
  readonly trust?: { readonly isVerified: boolean } | undefined;
}

/** `headers` go to whoever listens there. Throws `unavailable` when nobody answers as a meta or data node would. */
export function probeMeta(
  httpAddress: string,
  { headers = {}, trust }: ProbeOptions = {},
): Promise<MetaProbe> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      reject(new DbError('unavailable', `${httpAddress}: ${why}`));
    };
    const noAddress = 'is not an address, host:port';
    if (!addressPattern.test(httpAddress)) {
      fail(noAddress);
      return;
    }
    if (!URL.canParse(`http://${httpAddress}`)) {
      fail(dialText(httpAddress, new Error(noAddress)));
      return;
    }
    const signal = AbortSignal.timeout(probeMs);
    const request = openGet(httpAddress, { signal, headers, agent: false }, trust);
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      let lengthBytes = 0;
      response.on('data', (part: Buffer) => {
        parts.push(part);
        lengthBytes += part.length;
        if (lengthBytes > answerBytesMax) request.destroy();
      });
      response.on('error', () => undefined);
      response.on('close', () => {
        const isWhole = response.complete && lengthBytes <= answerBytesMax;
        const text = isWhole ? Buffer.concat(parts).toString() : '';
        const probe = response.statusCode === 200 ? readProbe(text) : undefined;
        if (probe === undefined) fail(noMeta);
        else resolve(probe);
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      fail(reasonOf(httpAddress, error));
    });
  });
}

function openGet(
  httpAddress: string,
  options: RequestOptions,
  trust: ProbeOptions['trust'],
): ClientRequest {
  if (trust === undefined) return get(`http://${httpAddress}/status`, options);
  const { isVerified } = trust;
  const ca = isVerified ? [...trustedRoots()] : undefined;
  return getSecurely(`https://${httpAddress}/status`, { ...options, ca, rejectUnauthorized: isVerified }); // prettier-ignore
}

/** Undefined for what neither influxd-meta nor influxd says. */
function readProbe(text: string): MetaProbe | undefined {
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { nodeType, leader, raftAddr, peers } = (status ?? {}) as Readonly<Record<string, unknown>>;
  // Told from others, so that the caller can say what it is.
  if (nodeType === 'data') return { nodeType, leader: '', raftAddr: '', peers: null };
  if (nodeType !== 'meta' || !isAddress(raftAddr)) return undefined;
  if (leader !== '' && !isAddress(leader)) return undefined;
  if (peers === null) return { nodeType, leader, raftAddr, peers };
  const isList = Array.isArray(peers) && peers.length <= peersMax && peers.every(isAddress);
  return isList ? { nodeType, leader, raftAddr, peers } : undefined;
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && addressPattern.test(value);
}

/** What Go says of it, without anything that the other side has sent. */
function reasonOf(httpAddress: string, error: NodeJS.ErrnoException): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return 'no answer in time';
  const text = dialText(httpAddress, error);
  return /^(?:dial tcp|tls: |http: server gave)/.test(text) ? text : noMeta;
}

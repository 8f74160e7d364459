import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { dialText } from '../base/dial-text.ts';
import { DbError, isDbError } from '../base/errors.ts';
import { trustedRoots } from '../env/node/network/trusted-roots.ts';

export interface DataTls {
  readonly isVerified: boolean;
}

export interface MetaHttpOptions {
  /** host:port of a meta node. */
  readonly bind: string;
  readonly tls: boolean;
  readonly skipVerify: boolean;
  /** How data nodes are called; undefined: without TLS. */
  readonly dataTls: DataTls | undefined;
  readonly authType: 'none' | 'basic' | 'jwt';
  readonly user: string;
  readonly password: string;
  readonly secret: string;
  readonly timeoutMs: number;
}

export interface CtlOutput {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** The next line that the user types, without its end; '' when there is none. */
  readonly readLine: () => Promise<string>;
}

/** What commands ask of a meta node. */
export interface MetaCaller {
  get(path: string): Promise<unknown>;
  post(
    path: string,
    form: Readonly<Record<string, string>>,
    options?: { readonly isPatient?: boolean },
  ): Promise<unknown>;
  /** The same asked at another address, as join does with the ones it finds; data nodes may speak TLS where meta nodes do not, or not. */
  at(bind: string, options?: { readonly isData?: boolean }): MetaCaller;
}

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly body: string;
}

const redirectsMax = 10;
/** What takes as long as a shard has bytes: who leads gives it up when none come. A timer holds no more. */
const patientMs = 2 ** 31 - 1;
const tokenSeconds = 300;

/** Calls a meta node's HTTP API, following redirects to the leader with method, body and credentials (spec 2.1). */
export class MetaHttp implements MetaCaller {
  readonly #options: MetaHttpOptions;
  readonly #nowMs: () => number;

  constructor(options: MetaHttpOptions, nowMs: () => number) {
    this.#options = options;
    this.#nowMs = nowMs;
  }

  get(path: string): Promise<unknown> {
    return this.#json('GET', path, '');
  }

  post(
    path: string,
    form: Readonly<Record<string, string>>,
    { isPatient = false }: { readonly isPatient?: boolean } = {},
  ): Promise<unknown> {
    const options = { ...this.#options, ...(isPatient && { timeoutMs: patientMs }) };
    const asking = isPatient ? new MetaHttp(options, this.#nowMs) : this;
    return asking.#json('POST', path, new URLSearchParams(form).toString());
  }

  at(bind: string, { isData = false }: { readonly isData?: boolean } = {}): MetaHttp {
    const { dataTls } = this.#options;
    const ofData = { tls: dataTls !== undefined, skipVerify: dataTls?.isVerified === false };
    return new MetaHttp({ ...this.#options, ...(isData && ofData), bind }, this.#nowMs);
  }

  async #json(method: 'GET' | 'POST', path: string, body: string): Promise<unknown> {
    const { tls, bind } = this.#options;
    // As a port alone is meant where one listens.
    const host = bind.startsWith(':') ? `localhost${bind}` : bind;
    let url = `${tls ? 'https' : 'http'}://${host}${path}`;
    // Read as an address, the path would be the host.
    if (host === '') throw failedRequest(method, url, 'http: no Host in request URL');
    for (let i = 0; i <= redirectsMax; i++) {
      const answer = await this.#send(method, url, body);
      if (answer.status !== 307) return parseAnswer(answer);
      const { location } = answer;
      url = URL.canParse(location, url) ? new URL(location, url).href : location;
    }
    throw failed('exited', 'too many redirects');
  }

  #send(method: 'GET' | 'POST', url: string, body: string): Promise<Answer> {
    const { skipVerify, timeoutMs } = this.#options;
    const tls = url.startsWith('https:');
    const headers: Record<string, string> = { ...this.#authorization() };
    if (method === 'POST') headers['Content-Type'] = 'application/x-www-form-urlencoded';
    const signal = AbortSignal.timeout(timeoutMs);
    const trust = tls && { rejectUnauthorized: !skipVerify, ...(!skipVerify && { ca: [...trustedRoots()] }) }; // prettier-ignore
    const options = { method, headers, signal, ...trust };
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        const isLate = signal.aborted;
        const why = isLate ? 'context deadline exceeded' : dialText(hostOf(url), error);
        reject(failedRequest(method, url, why));
      };
      if (!URL.canParse(url)) {
        fail(new Error('invalid URL'));
        return;
      }
      const open = tls ? httpsRequest : httpRequest;
      const request = open(url, options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('error', fail);
        response.on('end', () => {
          const location = response.headers.location ?? '';
          resolve({ status: response.statusCode ?? 0, location, body: text });
        });
      });
      request.on('error', fail);
      request.end(body);
    });
  }

  #authorization(): Readonly<Record<string, string>> {
    const { authType, user, password, secret } = this.#options;
    if (authType === 'none') return {};
    if (authType === 'basic') {
      const both = Buffer.from(`${user}:${password}`).toString('base64');
      return { Authorization: `Basic ${both}` };
    }
    const token = createToken({ user, secret, nowMs: this.#nowMs(), seconds: tokenSeconds });
    return { Authorization: `Bearer ${token}` };
  }
}

/** A JWT signed with HS512 (spec 2.2, token). */
export function createToken(claims: {
  readonly user: string;
  readonly secret: string;
  readonly nowMs: number;
  readonly seconds: number;
}): string {
  const { user, secret, nowMs, seconds } = claims;
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(nowMs / 1_000) + seconds;
  const body = `${encode({ alg: 'HS512', typ: 'JWT' })}.${encode({ exp, username: user })}`;
  return `${body}.${createHmac('sha512', secret).update(body).digest('base64url')}`;
}

function parseAnswer({ status, body }: Answer): unknown {
  let document: unknown;
  try {
    document = body === '' ? undefined : JSON.parse(body);
  } catch {
    document = undefined;
  }
  if (status === 200 || status === 204) return document;
  const error = (document as { readonly error?: string } | undefined)?.error;
  // Not of a command: the reference has these words for it (spec 2.1).
  if (status === 401) throw new DbError('unauthenticated', `Error: ${error ?? body.trim()}.`);
  throw failed('exited', error ?? (body.trim() === '' ? `status ${status}` : body.trim()));
}

/** Whether a call has not even begun. */
export function isNobodyThere(error: unknown): boolean {
  return (
    isDbError(error, 'unavailable') && /: dial tcp(?:: lookup| .*: connect: )/.test(error.message)
  );
}

/** As it is in the text of an address, which may be none. */
function hostOf(url: string): string {
  return /^https?:\/\/([^/?#]*)/.exec(url)?.[1] ?? url;
}

function failedRequest(method: 'GET' | 'POST', url: string, why: string): DbError {
  return failed('timed out', `${method === 'GET' ? 'Get' : 'Post'} "${url}": ${why}`);
}

function failed(how: 'exited' | 'timed out', text: string): DbError {
  return new DbError('unavailable', `operation ${how} with error: ${text}`);
}

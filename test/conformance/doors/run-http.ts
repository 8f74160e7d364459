/** Random requests, byte by byte and several to a connection: status, headers and bodies of ours and of a real influxd have to be the same. */
import { connect } from 'node:net';
import { RandomChoice } from '../fresh/random-choice.ts';
import { doorPurposes } from './door-purposes.ts';
import { httpConnection, httpDatabase, type HttpRequest } from './random-http.ts';
import { readAnswers, type RawAnswer } from './read-answers.ts';

export interface HttpOutcome {
  /** All that was sent on the connection. */
  readonly sent: string;
  /** The first answer that is another one; undefined: there is none. */
  readonly difference: { readonly ours: string; readonly theirs: string } | undefined;
}

/** One of them hangs. */
const answeredMsMax = 5_000;
/** Points without a time. */
const nowTimes = /20[2-9]\d-\d\d-\d\dT[\d:.]+Z|\b1[7-9]\d{17}\b/g;
const servers = /"(version|message)":\s*"[^"]*"/g;

export async function* runHttp(
  urls: { readonly ours: string; readonly theirs: string },
  { seed, count }: { readonly seed: number; readonly count: number },
): AsyncGenerator<HttpOutcome> {
  for (const url of [urls.ours, urls.theirs]) {
    const body = new URLSearchParams({ q: `CREATE DATABASE ${httpDatabase}` });
    await (await fetch(`${url}/query`, { method: 'POST', body })).text();
  }
  for (let i = 0; i < count; i++) {
    const requests = httpConnection(new RandomChoice(seed, `connection ${i}`));
    const bytes = Buffer.concat(requests.map((request) => request.bytes));
    const [own = [], other = []] = await Promise.all(
      [urls.ours, urls.theirs].map(async (url) => answersOf(await exchange(url, bytes), requests)),
    );
    const sent = bytes.toString('latin1');
    const at = other.findIndex((answer, k) => answer !== own[k]);
    const isSame = (at < 0 && own.length === other.length) || doorPurposes.requests(sent);
    const difference = isSame ? undefined : { ours: own.at(at) ?? '', theirs: other.at(at) ?? '' };
    yield { sent, difference };
  }
}

function exchange(url: string, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const parts: Buffer[] = [];
    socket.setTimeout(answeredMsMax, () => {
      parts.push(Buffer.from('it hangs'));
      socket.destroy();
    });
    socket.on('data', (part) => parts.push(part));
    // Who is answered before all is read may find the connection broken.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(Buffer.concat(parts));
    });
    socket.write(bytes);
  });
}

/** As texts; what is said before a body is read may be left out. */
function answersOf(bytes: Buffer, requests: readonly HttpRequest[]): readonly string[] {
  const methods = requests.map(({ method }) => method);
  return readAnswers(bytes, methods)
    .filter(({ status }) => !/ 1\d\d /.test(status))
    .map(textOf);
}

function textOf({ status, headers, body }: RawAnswer): string {
  const text = body.replaceAll(nowTimes, 'now').replaceAll(servers, '"$1"');
  return JSON.stringify([status, ...headers, text]);
}

import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';

export interface RawCase {
  readonly name: string;
  /** Bytes as latin1. */
  readonly request: string;
  /** Why ours is another answer. */
  readonly deviation?: string;
}

export interface RawAnswer {
  /** Without the version of HTTP. */
  readonly status: string;
  readonly type: string;
  readonly body: string;
}

export const rawDatabase = 'raw';
const host = 'Host: x\r\nConnection: close\r\n';
const line = 'm v=1 1';

function get(target: string, more = ''): string {
  return `GET ${target} HTTP/1.1\r\n${host}${more}\r\n`;
}

function post(target: string, body: string, more = ''): string {
  return `POST ${target} HTTP/1.1\r\n${host}${more}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const write = `/write?db=${rawDatabase}`;
const longQuery = (bytes: number) => `/query?db=${rawDatabase}&q=SELECT+v+FROM+m+WHERE+t%3D%27${'a'.repeat(bytes)}%27`; // prettier-ignore
const multipart = 'Content-Type: multipart/form-data; boundary=X\r\n';
const bomb = gzipSync(Buffer.alloc(30_000_000, '\n'), { level: 9 }).toString('latin1');
const otherParser = 'refused by the parser of Node, which names no reason';

export const rawCases: readonly RawCase[] = [
  { name: 'lines that end in LF', request: `POST ${write} HTTP/1.1\nHost: x\nConnection: close\nContent-Length: 7\n\n${line}` }, // prettier-ignore
  { name: 'no HTTP', request: 'HELLO\r\n\r\n' },
  { name: 'another method', request: `PROPFIND /write HTTP/1.1\r\n${host}\r\n` },
  { name: 'unknown method', request: `FOO /write HTTP/1.1\r\n${host}\r\n`, deviation: otherParser },
  { name: 'broken escape in the path', request: get('/%zz') },
  { name: 'broken escape in the query', request: get('/query?q=%zz') },
  { name: 'no such path', request: get('/nope') },
  { name: 'wrong method', request: `DELETE /write HTTP/1.1\r\n${host}\r\n` },
  { name: 'HEAD of a ping', request: `HEAD /ping HTTP/1.1\r\n${host}\r\n` },
  { name: 'HEAD of the health', request: `HEAD /health HTTP/1.1\r\n${host}\r\n` },
  { name: 'OPTIONS of the health', request: `OPTIONS /health HTTP/1.1\r\n${host}\r\n` },
  { name: 'HEAD of the metrics', request: `HEAD /metrics HTTP/1.1\r\n${host}\r\n` },
  {
    name: 'epoch of microseconds',
    request: get(`/query?db=${rawDatabase}&epoch=u&q=SELECT+v+FROM+m`),
  },
  {
    name: 'epoch with a micro sign',
    request: get(`/query?db=${rawDatabase}&epoch=%C2%B5&q=SELECT+v+FROM+m`),
    deviation: 'documented as microseconds, as 1.6 has it; 1.12.4 knows u alone and answers ns',
  },
  { name: 'OPTIONS', request: `OPTIONS /query HTTP/1.1\r\n${host}\r\n` },
  { name: 'no host', request: 'GET /ping HTTP/1.1\r\nConnection: close\r\n\r\n' },
  { name: 'HTTP/1.0', request: 'GET /ping HTTP/1.0\r\n\r\n' },
  { name: 'HTTP/1.0 write', request: `POST ${write} HTTP/1.0\r\nContent-Length: 7\r\n\r\n${line}` },
  { name: 'HTTP/1.0 write without a length', request: `POST ${write} HTTP/1.0\r\n\r\n${line}` },
  { name: 'HTTP/1.0 form without a length', request: 'POST /query HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nq=SHOW+USERS' }, // prettier-ignore
  { name: 'what follows the last request', request: `GET /query?q=SHOW+USERS HTTP/1.1\r\n${host}\r\nmore of it` }, // prettier-ignore
  { name: 'OPTIONS of nothing', request: `OPTIONS * HTTP/1.1\r\n${host}\r\n` },
  { name: 'length twice', request: `POST ${write} HTTP/1.1\r\n${host}Content-Length: 7\r\nContent-Length: 7\r\n\r\n${line}` }, // prettier-ignore
  { name: 'length twice, of a query', request: `POST /query HTTP/1.1\r\n${host}Content-Length: 12\r\nContent-Type: application/x-www-form-urlencoded\r\ncontent-length:12 \r\n\r\nq=SHOW+USERS` }, // prettier-ignore
  { name: 'two lengths', request: `POST ${write} HTTP/1.1\r\n${host}Content-Length: 7\r\nContent-Length: 8\r\n\r\n${line} ` }, // prettier-ignore
  { name: 'two hosts', request: `GET /ping HTTP/1.1\r\n${host}Host: y\r\n\r\n` },
  { name: 'HTTP/3.0', request: `GET /ping HTTP/3.0\r\n${host}\r\n` },
  { name: 'length that is none', request: `POST ${write} HTTP/1.1\r\n${host}Content-Length: x\r\n\r\n${line}` }, // prettier-ignore
  { name: 'negative length', request: `POST ${write} HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n${line}` }, // prettier-ignore
  { name: 'length past the limit', request: `POST ${write} HTTP/1.1\r\n${host}Content-Length: 99999999999\r\n\r\n${line}` }, // prettier-ignore
  { name: 'gzip past the limit', request: post(write, bomb, 'Content-Encoding: gzip\r\n'), deviation: 'the reference holds the limit against the bytes sent alone, and stores whatever comes out' }, // prettier-ignore
  {
    name: 'broken gzip',
    request: post(write, 'no gzip at all, really', 'Content-Encoding: gzip\r\n'),
  },
  { name: 'unknown encoding of content', request: post(write, line, 'Content-Encoding: br\r\n') },
  { name: 'odd content type', request: post(write, line, 'Content-Type: ;;;\r\n') },
  { name: 'content type of a word', request: post('/query', 'x', 'Content-Type: foo\r\n') },
  { name: 'type of a form in capitals', request: post('/query', 'q=SHOW+USERS', 'Content-Type: Application/X-WWW-Form-URLEncoded; charset=UTF-8\r\n') }, // prettier-ignore
  { name: 'ping of whoever wants CSV', request: get('/ping', 'Accept: text/csv\r\n') },
  { name: 'HEAD of the requests', request: `HEAD /debug/requests?seconds=0 HTTP/1.1\r\n${host}\r\n` }, // prettier-ignore
  { name: 'broken multipart', request: post('/query', line, multipart) },
  { name: 'multipart without a boundary', request: post('/query', line, 'Content-Type: multipart/form-data\r\n') }, // prettier-ignore
  { name: 'cut multipart', request: post('/query', '--X\r\nContent-Disposition: form-data; name="db"\r\n\r\nraw', multipart) }, // prettier-ignore
  { name: 'bytes in a path that are no UTF-8, escaped', request: get('/ping%ff') },
  { name: 'another server', request: 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' }, // prettier-ignore
  { name: 'database with a control character', request: post('/write?db=a%00%1b%7f', line) },
  { name: 'two slashes', request: get('//ping') },
  { name: 'dots in the path', request: get('/a/../ping') },
  { name: 'slash at the end', request: get('/ping/') },
  { name: 'whole address', request: get('http://x/ping') },
  { name: 'unknown transfer encoding', request: `POST ${write} HTTP/1.1\r\n${host}Transfer-Encoding: foo\r\n\r\nzz\r\n` }, // prettier-ignore
  { name: 'broken chunk', request: `POST ${write} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, deviation: otherParser }, // prettier-ignore
  { name: 'expectation that nobody meets', request: `POST ${write} HTTP/1.1\r\n${host}Expect: foo\r\nContent-Length: 7\r\n\r\n${line}` }, // prettier-ignore
  { name: 'address of 20 KB', request: get(longQuery(20_000)) },
  { name: 'address of 900 KB', request: get(longQuery(900_000)) },
  { name: 'header of 1.2 MB', request: get('/ping', `X: ${'a'.repeat(1_200_000)}\r\n`) },
  { name: 'space in a header name', request: get('/ping', 'X : a\r\n'), deviation: otherParser },
  { name: 'error as MessagePack', request: get('/query', 'Accept: application/x-msgpack\r\n') },
  { name: 'error as CSV', request: get('/query', 'Accept: text/csv\r\n') },
  { name: 'no database', request: post('/write', line) },
  { name: 'database that is not there', request: post('/write?db=none', line) },
  { name: 'precision that is none', request: post(`${write}&precision=y`, line) },
  { name: 'float beyond all', request: post(write, `m v=${'9'.repeat(310)} 1`) },
  {
    name: 'UTF-8 in an address',
    request: get(`/query?db=${rawDatabase}&q=SELECT+v+FROM+\xc3\xa9`),
  },
  { name: 'Flux', request: post('/api/v2/query?org=x', 'from(bucket: "x")', 'Content-Type: application/vnd.flux\r\n') }, // prettier-ignore
  { name: 'Flux by GET', request: get('/api/v2/query') },
  { name: 'Flux, what may be asked', request: `OPTIONS /api/v2/query HTTP/1.1\r\n${host}\r\n` },
  { name: 'UTF-8 in a path', request: get('/\xc3\xa9') },
  { name: 'bytes in an address that are no UTF-8', request: get(`/query?db=${rawDatabase}&q=SHOW+TAG+\xff`) }, // prettier-ignore
  { name: 'UTF-8 in the address of a write', request: post(`${write}&x=\xc3\xa9`, line) },
  { name: 'bytes that are no UTF-8', request: post(write, 'u s="a\xff\xc3" 1') },
  { name: 'and how they come back', request: get(`/query?db=${rawDatabase}&q=SELECT+s+FROM+u`) },
  { name: 'and in CSV', request: get(`/query?db=${rawDatabase}&q=SELECT+s+FROM+u`, 'Accept: text/csv\r\n') }, // prettier-ignore
];

/** Sends bytes and reads until the server closes, or says nothing more for a while. */
export function sendRaw(port: number, request: string): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    // The rest of a request that is refused early finds the connection closed.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(answerOf(Buffer.concat(parts).toString('latin1')));
    });
    socket.write(Buffer.from(request, 'latin1'));
  });
}

function answerOf(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [first = '', ...headers] = head.split('\r\n');
  const valueOf = (name: string) =>
    headers
      .find((header) => header.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim() ?? '';
  const status = first.replace(/^HTTP\/1\.[01] /, '');
  const body = rest.join('\r\n\r\n');
  // An empty body says nothing, however it ends.
  const isChunked = valueOf('transfer-encoding') === 'chunked';
  return { status, type: valueOf('content-type'), body: isChunked ? joinChunks(body) : body };
}

function joinChunks(body: string): string {
  let text = '';
  for (let at = 0; ;) {
    const lineEnd = body.indexOf('\r\n', at);
    const length = lineEnd < 0 ? 0 : Number.parseInt(body.slice(at, lineEnd), 16);
    if (!(length > 0)) return text;
    text += body.slice(lineEnd + 2, lineEnd + 2 + length);
    at = lineEnd + 4 + length;
  }
}

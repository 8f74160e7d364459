import { Buffer } from 'node:buffer';
import type { RandomChoice } from '../fresh/random-choice.ts';

/** A body of several parts, as `curl -F` sends one, and what comes near it. */
export function randomParts(
  random: RandomChoice,
  asked: URLSearchParams,
): { readonly type: string; readonly body: Buffer } {
  const boundary = random.of(['b', '----WebKitFormBoundaryABC', 'a b']);
  const end = '\r\n';
  const parts = [...asked].map(([name, value]) => {
    const isFile = random.chance(name === 'q' ? 0.4 : 0.1);
    const file = isFile ? `; filename="${random.of(['q.txt', 'q.txt', '', 'a"b'.replace('"', '\\"'), '../x'])}"` : ''; // prettier-ignore
    const said = random.chance(0.92) ? `form-data; name="${name}"${file}` : random.of([`form-data; name=${name}${file}`, 'form-data', `attachment; name="${name}"`, `form-data; name=""`, `FORM-DATA; NAME="${name}"`, `form-data; filename="x"; name="${name}"`]); // prettier-ignore
    const type = random.maybe(isFile ? 0.6 : 0.1, () => `Content-Type: ${random.of(['text/plain', 'application/octet-stream', 'text/plain; charset=iso-8859-1', 'x'])}${end}`); // prettier-ignore
    const coding = random.maybe(0.05, () => `Content-Transfer-Encoding: ${random.of(['quoted-printable', 'base64', '8bit'])}${end}`); // prettier-ignore
    return `--${boundary}${end}Content-Disposition: ${said}${end}${type}${coding}${end}${value}${end}`;
  });
  const before = random.maybe(0.05, () => `before${end}`);
  const whole = `${before}${parts.join('')}--${boundary}--${random.of([end, '', `${end}behind`])}`;
  const text = random.chance(0.93) ? whole : random.of([whole.slice(0, -random.integer(1, 12)), parts.join(''), '', `--${boundary}--`, whole.slice(random.integer(1, 9))]); // prettier-ignore
  const told = random.chance(0.94) ? `multipart/form-data; boundary="${boundary}"` : random.of(['multipart/form-data', `multipart/form-data; boundary=${boundary}`, `multipart/mixed; boundary=${boundary}`, 'multipart/form-data; boundary=', `Multipart/Form-Data; Boundary="${boundary}"; x=y`, 'multipart/form-data; boundary=other']); // prettier-ignore
  return { type: told, body: Buffer.from(text) };
}

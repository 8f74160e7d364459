import { Buffer } from 'node:buffer';
import type { SentStep } from '../send-step.ts';
import type { RandomChoice } from './random-choice.ts';

const names = ['m', 'm', 'm', 'm', 'm\\ a', 'm\\,a', 'm\\=a', 'm=a', 'm\\\\', 'm\\n', '"m"', "m'a", 'é', '🙂', '\u2028', 'm\\', '', '#m', '_m', 'm\u0000', 'm\xff', 'm\xfe', 'm\xf0\x9f', 'm\u007f', 'm\x0b', 'm\\\ta', 'm\ra', 'm;a', 'm/a', '%', 'm:b', 'select', 'm\\\\\\ a', 'm\\"a']; // prettier-ignore
const keys = ['host', 'host', 'a', 'b', 'z', 'a\\ b', 'a\\,b', 'a\\=b', 'é', '🙂', '"a"', 'a\\\\', 'a\\', 'a"b', '', 'time', '_field', '_measurement', 'a\xff', 'a\xfe', 'v', 'a\u0000', '1', '-', '#', 'A']; // prettier-ignore
const tagValues = ['a', 'a', 'b', 'x', 'a\\ b', 'a\\,b', 'a\\=b', 'a=b', 'é', '"a"', '"a', "'a b'", 'a\\\\', 'a\\', '', ' ', 'a\xfe', 'a\xff', 'a\xc3', '🙂', '1', 'true', 'null', '\u0001', 'a\\\\\\ b', 'a\\n', 'a:b;c|d']; // prettier-ignore
const fieldNames = ['v', 'v', 'w', 'x', 'a\\ b', 'a\\,b', 'a\\=b', 'é', '"v"', 'v\\', 'v\\\\', '', 'time', '_name', 'host', '🙂', 'v\xff', 'v\xfe', 'v"w', '#v']; // prettier-ignore
const numbers = ['1', '1.5', '-1.5', '+1', '.5', '5.', '-.5', '1e5', '1E5', '1e+5', '1e-5', '1e', 'e5', '1e5.5', '-0', '0', '00', '007', '-00.5', '1e308', '1.8e308', '1e400', '-1e400', '5e-324', '1e-400', '0x10', '0x1p-2', '1_000', '1,5', 'NaN', 'nan', 'inf', '-inf', '+Inf', 'Infinity', '1f', '1d', '1.0f', '12345678901234567890', '0.1234567890123456789', '1e0000000000000000005', '99999999999999999999999999', '1 ', '--1', '+-1', '1-', '1.2.3', '½', '١']; // prettier-ignore
const integers = ['1i', '-1i', '+1i', '0i', '-0i', '007i', '1.0i', '1e3i', '9223372036854775807i', '-9223372036854775808i', '9223372036854775808i', '-9223372036854775809i', '99999999999999999999i', 'i', '-i', '1ii', '1I', '0x1i', '1_0i', ' 1i', '1u', '-1u', '18446744073709551615u', '18446744073709551616u', 'u', '1U']; // prettier-ignore
const booleans = ['t', 'T', 'f', 'F', 'true', 'True', 'TRUE', 'false', 'False', 'FALSE', 'tRUE', 'tr', 'truee', 'yes', 'null', 'nil', 'y', 'Trueish', 'fa', 'FaLSE']; // prettier-ignore
const texts = ['"a"', '""', '" "', '"a b"', '"a,b=c"', '"a\\"b"', '"a\\\\b"', '"a\\\\"', '"a\\"', '"a\\nb"', '"a\nb"', '"a\r\nb"', '"a', 'a"', '"a"b', '"a""b"', "'a'", '"é"', '"🙂"', '"\xff"', '"\xf0\x9f"', '"\xed\xa0\x80"', '"\u0000"', '"\u0001\u001f\u007f"', '"\u2028<&>"', '"a\\,b"', '"a\\=b"', '"a\\ b"', '"\\\\\\""', '"\\t"', '"a#b"', '"1i"', '"a"i']; // prettier-ignore
const times = ['', '', ' 1', ' 946684800', ' 946684800000', ' 946684800000000000', ' -1', ' 0', ' -0', ' +1', ' 9223372036854775806', ' 9223372036854775807', ' 9223372036854775808', ' -9223372036854775806', ' -9223372036854775807', ' -9223372036854775808', ' -9223372036854775809', ' 9223372036854775', ' 9223372037', ' 153722867280912930', ' 1.5', ' 1e9', ' 1i', ' a', ' "1"', ' 1 1', '  1', ' 1 ', '\t1', ' 1\t', ' 0x1', ' 1_0', ' 1ms', ' -', ' ', '  ', ' 99999999999999999999', ' 00000000000000000000000001', ' 1\u0000']; // prettier-ignore
const ends = [
  '\n',
  '\n',
  '\n',
  '\n',
  '\r\n',
  '\n\n',
  '\n# c\n',
  '\n#c,a=1 v=1\n',
  '\n  \n',
  '\n\t\n',
  '\r',
  '\r\r\n',
  '\n \r\n',
  '\n\u0000\n',
  '\n    # c\n',
  ';',
  '\n\r\n',
];

/** Each sign of a text is a byte, for signs beyond a byte their UTF-8: what is written may be no text at all. */
export function bytesOf(text: string): Buffer {
  const parts = Array.from(text, (sign) => Buffer.from(sign, sign >= '\x80' && sign <= '\xff' && sign !== 'é' ? 'latin1' : 'utf8')); // prettier-ignore
  return Buffer.concat(parts);
}

/** The usual in most places: what is wrong in one hides what is wrong in another. */
export function line(random: RandomChoice): string {
  const mostly = (usual: string, odd: readonly string[], share = 0.25): string => random.chance(share) ? random.of(odd) : usual; // prettier-ignore
  const tag = (): string => `,${mostly(random.of(['host', 'a', 'b']), keys)}${mostly('=', ['', '==', ' = '], 0.03)}${mostly('a', tagValues)}`; // prettier-ignore
  const tags = Array.from({ length: random.of([0, 0, 1, 1, 2, 3]) }, tag).join('');
  const value = (): string => random.of([random.of(['1', '2.5', '3i', 't', '"s"']), random.of(numbers), random.of(integers), random.of(booleans), random.of(texts)]); // prettier-ignore
  const field = (): string => `${mostly(random.of(['v', 'w', 'x']), fieldNames)}${mostly('=', ['', '=='], 0.02)}${value()}`; // prettier-ignore
  const fields = Array.from({ length: random.of([1, 1, 1, 2, 3]) }, field).join(mostly(',', [',,', ', ', ' ,', ' '], 0.03)); // prettier-ignore
  return `${mostly('', [' ', '\t', '  '], 0.05)}${mostly('m', names)}${tags}${mostly(' ', ['  ', '\t', '', ' \t', '\\ '], 0.05)}${fields}${mostly(` ${random.integer(1, 9)}`, times)}`; // prettier-ignore
}

/** Names as long as a key may be, and a little longer; values and lines without an end in sight. */
function longLine(random: RandomChoice): string {
  const length = random.of([250, 255, 256, 65_400, 65_500, 65_530, 65_534, 65_535, 65_536, 65_540]);
  const text = 'x'.repeat(length);
  return random.of([
    `${text} v=1 1`,
    `m,host=${text} v=1 1`,
    `m,${text}=a v=1 1`,
    `m ${text}=1 1`,
    `m v="${text}" 1`,
    `m,host=${text.slice(0, 200)},a=${text} v=1 1`,
    `m,${Array.from({ length: random.integer(60, 300) }, (_, i) => `t${i}=${'y'.repeat(random.of([1, 200, 256]))}`).join(',')} v=1 1`,
    `m v=1 ${'0'.repeat(length)}1`,
    `m v=${'0'.repeat(length)}1 1`,
    `m v=0.${'1'.repeat(length)} 1`,
    `m ${Array.from({ length: 300 }, (_, i) => `f${i}=${i}`).join(',')} 1`,
  ]); // prettier-ignore
}

const targets = [{ db: 'changing' }, { db: 'changing' }, { db: 'changing' }, { db: 'changing', rp: 'autogen' }, { db: 'changing', rp: '' }, { db: 'changing', rp: 'nosuch' }, { db: 'nosuch' }, { db: '' }, {}, { DB: 'changing' }]; // prettier-ignore
const precisions = ['ns', 'n', 'u', 'us', 'µ', 'ms', 's', 'm', 'h', 'd', '', 'x', 'S', 'Ns'];

/** A write of lines of every byte, with each precision and to each target. */
export function bytesWrite(random: RandomChoice): SentStep {
  const lines = Array.from({ length: random.of([1, 1, 2, 3, 5]) }, () => random.chance(0.03) ? longLine(random) : line(random)); // prettier-ignore
  const body = lines.reduce((text, one) => text + random.of(ends) + one) + random.of(['', '', '\n', '\r\n', ' ', '\u0000']); // prettier-ignore
  const base64 = bytesOf(body).toString('base64');
  const target = random.chance(0.9) ? { db: 'changing' } : random.of(targets);
  const params: Record<string, string> = { ...target, precision: random.chance(0.5) ? 's' : random.of(precisions) }; // prettier-ignore
  if (random.chance(0.3)) delete params['precision'];
  if (random.chance(0.04)) params['consistency'] = random.of(['any', 'one', 'all', 'quorum', 'ALL', '', 'x']); // prettier-ignore
  return { method: 'POST', path: '/write', params, headers: {}, base64 };
}

/** What writes have left, and nothing of it afterwards. */
export const leftByWrites =
  'SELECT * FROM /./ GROUP BY *; SHOW FIELD KEYS; SHOW SERIES; DROP DATABASE changing; CREATE DATABASE changing WITH SHARD DURATION 1h';

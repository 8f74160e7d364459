import { expect, test } from 'vitest';
import { printExpr } from '../../influxql/printer.ts';
import { parseReadRequest } from './read-request.ts';

const text = (field: number, value: string) => [(field << 3) | 2, ...part(new TextEncoder().encode(value))]; // prettier-ignore

/** A length, and what has it. */
function part(bytes: ArrayLike<number>): readonly number[] {
  return [...lengthOf(bytes.length), ...Array.from(bytes)];
}

test('read request: one of very many matchers is as deep as any other', () => {
  const matcher = [(3 << 3) | 2, ...part([...text(2, 'host'), ...text(3, 'a')])];
  const count = 20_000;
  const query = Array.from({ length: count }, () => matcher).flat();
  const message = Uint8Array.from([(1 << 3) | 2, ...lengthOf(query.length)]);
  const whole = new Uint8Array(message.length + query.length);
  whole.set(message);
  whole.set(query, message.length);
  const { condition } = parseReadRequest(whole);
  expect(printExpr(condition).split(' AND ').length).toBe(count + 2);
});

test.each([
  ['time', '', true],
  ['time', 'a', false],
  ['_field', 'value', true],
  ['_field', 'other', false],
  ['_measurement', 'up', true],
  ['_measurement', 'down', false],
])('read request: %s = %j, of a measurement up: %j', (name, value, isWanted) => {
  const matcher = [(3 << 3) | 2, ...part([...text(2, name), ...text(3, value)])];
  const { isNamed, condition } = parseReadRequest(Uint8Array.from([(1 << 3) | 2, ...part(matcher)])); // prettier-ignore
  expect(isNamed('up')).toBe(isWanted);
  // No tag stands for it.
  expect(printExpr(condition).split(' AND ')).toHaveLength(2);
});

function lengthOf(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

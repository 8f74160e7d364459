import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import type { Pacer } from '../run/pacer.ts';
import { compileStatement } from './compile-statement.ts';
import { planSelect } from './plan-select.ts';

/** Plans a SELECT over many measurements with many fields; gives how often others were let run. */
async function turnsOf(
  text: string,
  { fields, measurements }: { readonly fields: number; readonly measurements: number },
): Promise<number> {
  // prettier-ignore
  const [statement] = parseQuery(text);
  if (statement?.kind !== 'select') throw new Error('a SELECT');
  const compiled = compileStatement(statement, { nowNs: 0n });
  const schemas = Array.from({ length: measurements }, (_, i) => ({
    name: `m_${i}`,
    fields: new Map(
      Array.from({ length: fields }, (_one, at) => [`field_${at}`, 'float' as const]),
    ),
    tagKeys: new Set<string>(),
  }));
  let turnCount = 0;
  const rest = () => {
    turnCount++;
    return undefined;
  };
  const pacer = { rest, pause: () => Promise.resolve() } as unknown as Pacer;
  const asked = {
    compiled,
    range: { minNs: undefined, maxNs: undefined },
    nowNs: 0n,
    bucketsMax: 0,
  };
  await planSelect(asked, [{ database: 'd', retentionPolicy: 'r', schemas }], pacer);
  return turnCount;
}

test('plan turns: others run between the calls and columns of a long list', async () => {
  const short = await turnsOf('SELECT max(field_1) FROM d.r.m_0', { fields: 2_000, measurements: 1 }); // prettier-ignore
  const long = await turnsOf('SELECT max(*) FROM d.r.m_0', { fields: 2_000, measurements: 1 });
  expect(short).toBeLessThan(20);
  // Each is what is read, a call and a column.
  expect(long).toBeGreaterThan(3 * 2_000);
});

test('plan turns: others run between the measurements that are read, also by a subquery', async () => {
  const all = { fields: 1, measurements: 1_000 };
  const one = await turnsOf('SELECT field_0 FROM d.r.m_7', all);
  const read = await turnsOf('SELECT field_0 FROM d.r./^m_/', all);
  const none = await turnsOf('SELECT field_0 FROM d.r./^none/', all);
  expect(read - none).toBeGreaterThanOrEqual(1_000 + (one - none));
  const within = await turnsOf('SELECT max(field_0) FROM (SELECT field_0 FROM d.r./^m_/)', all);
  expect(within - none).toBeGreaterThanOrEqual(1_000);
});

test('plan turns: others run between the measurements that a pattern is held against', async () => {
  const named = await turnsOf('SELECT field_0 FROM d.r.m_7', { fields: 1, measurements: 4_000 });
  const matched = await turnsOf('SELECT field_0 FROM d.r./^none/', { fields: 1, measurements: 4_000 }); // prettier-ignore
  expect(matched - named).toBeGreaterThan(200);
});

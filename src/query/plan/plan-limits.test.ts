import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { decodePlan, encodePlan } from '../fragment-codec.ts';
import type { Fragment } from '../fragment.ts';
import type { Pacer } from '../run/pacer.ts';
import { compileStatement } from './compile-statement.ts';
import { planSelect } from './plan-select.ts';

/** What shards are asked for a SELECT of `v` of `m`. */
async function fragmentOf(text: string): Promise<Fragment | undefined> {
  const [statement] = parseQuery(text);
  if (statement?.kind !== 'select') throw new Error('a SELECT');
  const compiled = compileStatement(statement, { nowNs: 0n });
  const pacer = { rest: () => undefined, pause: () => Promise.resolve() } as unknown as Pacer;
  const asked = { compiled, range: { minNs: 0n, maxNs: 9n }, nowNs: 0n, bucketsMax: 0 };
  const schemas = [{ name: 'm', fields: new Map([['v', 'float' as const]]), tagKeys: new Set<string>() }]; // prettier-ignore
  const plan = await planSelect(asked, [{ database: 'd', retentionPolicy: 'r', schemas }], pacer);
  const [feed] = plan.feeds;
  if (feed?.kind === 'windows') return feed.scan.names[0]?.parts[0]?.fragment;
  const [source] = feed?.kind === 'rows' ? feed.sources : [];
  return source?.kind === 'scan' ? source.scan.names[0]?.parts[0]?.fragment : undefined;
}

const most = '9223372036854775807';

test.each([
  `SELECT v FROM d.r.m LIMIT ${most}`,
  `SELECT v FROM d.r.m LIMIT ${most} OFFSET ${most}`,
  `SELECT top(v, 3) FROM d.r.m OFFSET ${most}`,
  `SELECT mean(v) FROM d.r.m WHERE time >= 0 AND time < 9 GROUP BY time(3ns) LIMIT ${most} OFFSET 1`,
])('plan limits: other nodes understand what they are asked for %s', async (text) => {
  const fragment = await fragmentOf(text);
  if (fragment === undefined) throw new Error('something is read');
  const { shardIds: _shardIds, ...plan } = fragment;
  expect(decodePlan(encodePlan(plan)).task).toEqual(fragment.task);
});

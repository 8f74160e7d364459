import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { errorText } from '../../base/errors.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import type { ShardsDescription } from '../engine/shard-access.ts';
import type { SelectContext, SelectPorts } from './select-context.ts';
import { streamSelect } from './select-runner.ts';

type FieldTypes = ShardsDescription['measurements'][number]['fields'];

/** Node 1 that asks about the only shard, which node 2 has: what it remembers of that, and what it is told. */
async function refusalOf(text: string, remembered: FieldTypes, told: FieldTypes): Promise<string> {
  const meta = new MemoryMeta();
  for (const port of [1, 2])
    await meta.execute({ kind: 'create-data-node', httpAddress: `h:${port}`, tcpAddress: `t:${port}`, dataNodesMax: 2 }); // prettier-ignore
  await meta.execute({ kind: 'create-database', name: 'd' });
  await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  const described = (fields: FieldTypes): ShardsDescription => ({
    measurements: [{ name: 'm', fields, tagKeys: [] }],
    lanes: [[1]],
    mark: 'as it was',
  });
  const access = {
    described: () => described(remembered),
    describe: () => Promise.resolve(described(told)),
  };
  const account = { close: () => undefined, charge: () => undefined, release: () => undefined };
  const ports = {
    meta,
    shards: { of: () => access, missedAt: () => 0 },
    random: { u32: () => 0 },
    clock: { monotonicMs: () => 0 },
    turn: () => Promise.resolve(),
    accounts: { limits: { pointsMax: 0, seriesMax: 0 }, open: () => account },
  } as unknown as SelectPorts;
  const context: SelectContext = {
    ...{ database: 'd', retentionPolicy: '', nowNs: 5n, bucketsMax: 0 },
    ...{ signal: new AbortController().signal, pinnedNodeId: 2 },
  };
  const [statement] = parseQuery(text) as SelectStatement[];
  if (statement === undefined) throw new Error('it is one');
  try {
    for await (const _ of streamSelect(statement, 0, context, ports));
    return '';
  } catch (error) {
    return errorText(error);
  }
}

test('select: what is wrong with a statement is said by the types that another node has now, not by those it had', async () => {
  const text = 'SELECT mean(v) & 1.5 FROM m';
  const refusal = await refusalOf(text, [], [['v', 'float']]);
  expect(refusal).toBe('type error: mean(v::float) & 1.5: incompatible types: float and float');
});

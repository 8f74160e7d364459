import { expect, test } from 'vitest';
import { databaseStatistics } from './hint-databases.ts';

const processor = (node: string, shardId: number, queueBytes: number) => ({
  name: 'hh_processor',
  tags: { node, path: `/hh/${node}/${shardId}` },
  values: { queueBytes, writeNodeReq: 1 },
});

test('hint databases: processors of a database and a node are summed, those of dropped shards left out', () => {
  const databases: Record<number, string> = { 1: 'a', 2: 'a', 3: 'b' };
  const all = [
    { name: 'hh_node', tags: { node: '5' }, values: { queueTotalSize: 99 } },
    ...[processor('5', 1, 10), processor('5', 2, 20), processor('5', 3, 4), processor('6', 1, 7)],
    processor('5', 9, 1_000),
  ];
  expect(databaseStatistics(all, (shardId) => databases[shardId])).toEqual([
    { name: 'hh_database', tags: { db: 'a', node: '5' }, values: { queueBytes: 30, writeNodeReq: 2 } }, // prettier-ignore
    { name: 'hh_database', tags: { db: 'b', node: '5' }, values: { queueBytes: 4, writeNodeReq: 1 } }, // prettier-ignore
    { name: 'hh_database', tags: { db: 'a', node: '6' }, values: { queueBytes: 7, writeNodeReq: 1 } }, // prettier-ignore
  ]);
});

import { expect, test } from 'vitest';
import { HeldCopies } from './held-copies.ts';

const nodes = [
  { id: 4, tcpAddress: 'n4:1' },
  { id: 5, tcpAddress: 'n5:1' },
];
const state = { database: 'd', retentionPolicy: 'r', isHot: true, modifiedNs: 3n, sizeBytes: 9 };
const copy = { node: 'n4:1', isHot: true, modifiedNs: 3n, sizeBytes: 9 };

test('held copies: who lacks something is known by what any node says, before it says what it has or without', () => {
  const held = new HeldCopies(nodes);
  held.add('n5:1', [], [{ nodeId: 4, shardIds: [1] }, { nodeId: 5, shardIds: [2] }, { nodeId: 9, shardIds: [2] }]); // prettier-ignore
  held.add(
    'n4:1',
    [
      { ...state, shardId: 1 },
      { ...state, shardId: 2 },
    ],
    [],
  );
  expect([...held.survey()]).toEqual([
    [1, [{ ...copy, isBehind: true }]],
    [2, [{ ...copy, isBehind: false }, { node: 'n5:1', isHot: false, modifiedNs: 0n, sizeBytes: 0, isBehind: true }]],
  ]); // prettier-ignore
});

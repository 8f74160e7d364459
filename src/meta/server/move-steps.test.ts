import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Catalog } from '../model/catalog.ts';
import type { MovePlan, ShardMove } from '../model/move-plan.ts';
import { MoveSteps, type MoveStepsPorts } from './move-steps.ts';

const shardId = 7;

/** Whom a shard of nodes 1 and 2 is copied from as it leaves node 1; `holders` have something of it that can be read. */
async function sourceOf(
  holders: readonly number[],
  { silent = [], waiting = [] }: { readonly silent?: readonly number[]; readonly waiting?: readonly string[] } = {}, // prettier-ignore
): Promise<number | undefined> {
  const dataNodes = [1, 2, 3].map((id) => ({ id, tcpAddress: `n${id}` }));
  const databases = { shard: () => ({ shard: { id: shardId, owners: [1, 2] } }) };
  let source: number | undefined;
  const ports = {
    node: { catalog: { dataNodes, databases } as unknown as Catalog },
    rpc: {
      async *stream(address: string) {
        const id = Number(address.slice(1));
        await Promise.resolve();
        if (silent.includes(id)) throw new DbError('unavailable', `${address} is away`);
        yield { states: holders.includes(id) ? [{ shardId }] : [], behind: [] };
      },
    },
    copies: {
      copy: ({ sourceId }: { readonly sourceId: number }) => {
        source = sourceId;
        return Promise.resolve();
      },
    },
  } as unknown as MoveStepsPorts;
  const steps = new MoveSteps(ports, { isAway: () => false });
  const heard = {
    nodeIds: new Set([1, 2, 3]),
    waiting: new Set(waiting),
    lost: new Set<string>(),
    holderIds: new Set<number>(),
  };
  const plan = { beganIndex: 5, goal: 'balance' } as MovePlan;
  await steps.goOn(plan, { shardId, fromId: 1, toId: 3 } as ShardMove, { heard, isWanted: () => true }); // prettier-ignore
  return source;
}

test('move steps: a shard is copied from the node that it leaves', async () => {
  expect(await sourceOf([1, 2])).toBe(1);
  expect(await sourceOf([1])).toBe(1);
});

test('move steps: where that one has nothing of it that can be read it is copied from another that has', async () => {
  expect(await sourceOf([2])).toBe(2);
  expect(await sourceOf([2], { waiting: ['2 7'] })).toBe(2);
  expect(await sourceOf([], { silent: [2] })).toBe(2);
});

test('move steps: a shard that nobody has anything of, or of which nobody says so, is copied from the node that it leaves', async () => {
  expect(await sourceOf([])).toBe(1);
  expect(await sourceOf([2], { silent: [1] })).toBe(1);
});

import { expect, test } from 'vitest';
import { DbError, type DbErrorCode } from '../../base/errors.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { applyCommand } from '../apply/apply.ts';
import { emptyCatalog } from '../model/catalog.ts';
import type { Command } from '../command/command.ts';
import { Leases } from './leases.ts';

class HandClock extends NodeClock {
  nowMs = 0;

  override wallNs(): bigint {
    return BigInt(this.nowMs) * 1_000_000n;
  }
}

class Leader {
  readonly clock = new HandClock();
  isLeader = true;
  readonly status = { nodeId: 1, clusterId: 1n, term: 1, leader: 'm2:8089', peers: [] };
  catalog = emptyCatalog;
  readBarrier = () => Promise.resolve();
  readonly leases = new Leases({ clock: this.clock, node: this }, { durationMs: 60_000 });

  execute(command: Command) {
    const index = this.catalog.index + 1;
    const { catalog, answer } = applyCommand(this.catalog, index, { id: `${index}`, command });
    this.catalog = catalog;
    if (answer.ok) return Promise.resolve(answer.value);
    return Promise.reject(new DbError(answer.code as DbErrorCode, answer.text));
  }

  async ask(nowMs: number, nodeId: number): Promise<string> {
    this.clock.nowMs = nowMs;
    const { isGranted, lease, remainingNs } = await this.leases.acquire('cq', nodeId);
    return `${isGranted ? 'granted' : 'refused'} ${lease?.nodeId} ${lease?.token} ${remainingNs / 1_000_000_000n}s`;
  }
}

test('leases: one node at a time, renewed past half of it, with a token for each holder', async () => {
  const leader = new Leader();
  expect(await leader.ask(0, 4)).toBe('granted 4 1 60s');
  expect(await leader.ask(1_000, 5)).toBe('refused 4 1 59s');
  expect(await leader.ask(29_000, 4)).toBe('granted 4 1 31s');
  // What changes nothing is not written: every command is a sync at each meta node.
  expect(leader.catalog.index).toBe(1);
  expect(await leader.ask(31_000, 4)).toBe('granted 4 1 60s');
  expect(await leader.ask(90_000, 5)).toBe('refused 4 1 1s');
  expect(await leader.ask(91_000, 5)).toBe('granted 5 2 60s');
});

test('leases: one that was given by a clock a day ahead ends as soon as any other', async () => {
  const leader = new Leader();
  const dayMs = 86_400_000;
  expect(await leader.ask(dayMs, 4)).toBe('granted 4 1 60s');
  // Another leads now, or its clock has been put right.
  expect(await leader.ask(1_000, 5)).toBe('refused 4 1 60s');
  expect(await leader.ask(60_000, 5)).toBe('refused 4 1 1s');
  expect(await leader.ask(61_000, 5)).toBe('granted 5 2 60s');
});

test('leases: who holds one that was given by a clock ahead is not told that it has it for a day', async () => {
  const leader = new Leader();
  await leader.ask(86_400_000, 4);
  expect(await leader.ask(1_000, 4)).toBe('granted 4 1 60s');
});

test('leases: what cannot be committed is not granted', async () => {
  const leader = new Leader();
  leader.execute = () => Promise.reject(new DbError('outcome_unknown', 'leadership was lost'));
  await expect(leader.ask(0, 4)).rejects.toThrow('leadership was lost');
});

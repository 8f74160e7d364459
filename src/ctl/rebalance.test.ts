import { expect, test } from 'vitest';
import { rebalance } from './rebalance.ts';

const move = { 'shard-id': 3, database: 'd', 'retention-policy': 'autogen', from: 'a:8088', size: 7, done: 0, rate: 0 }; // prettier-ignore
const failed = {
  ...move,
  to: '',
  state: 'failed',
  reason: 'no node that answers has a copy of it',
};
const waiting = { ...move, to: 'b:8088', state: 'waiting', reason: '' };

async function statusOf(state: string, moves: readonly object[]): Promise<string> {
  let said = '';
  const document = { goal: 'replace', state, 'started-at': '0', 'ended-at': '0', moves };
  await rebalance(['status'], {
    meta: { get: () => Promise.resolve(document), post: () => expect.fail('nothing is changed') },
    out: (text: string) => (said += text),
  } as unknown as Parameters<typeof rebalance>[1]);
  return said;
}

test('rebalance: the status of a plan that cannot end says what is to be done', async () => {
  const paused = await statusOf('paused', [waiting, failed]);
  expect(paused).toContain('Moves: 0 of 2 done, 1 failed, 0 of 14 bytes\n');
  expect(paused).toMatch(
    /has a copy of it\n\nA plan does not end with failed moves: "rebalance resume"/,
  );
  expect(await statusOf('running', [waiting])).not.toContain('resume');
  expect(await statusOf('ended', [failed])).not.toContain('resume');
});

import { expect, test } from 'vitest';
import { DbError } from '../../../../base/errors.ts';
import type { WindowsBlock } from '../../../../query/fragment.ts';
import { NodeAccount, QueryAccount } from '../../../../query/run/query-account.ts';
import { BlockPacker } from '../../packed-blocks.ts';
import { encodeSentBlocks } from '../../sent-blocks.ts';
import { Feeds } from './feeds.ts';

const gathering = { id: 7, beforeCount: 1, afterCount: 1 };
const place = { id: 7, at: 0 };
const empty = new Uint8Array();

function packedOf(...groups: readonly string[]): Uint8Array {
  const packer = new BlockPacker({ isCopied: true });
  for (const group of groups) packer.add({ kind: 'windows', group: [group], fields: [] } satisfies WindowsBlock); // prettier-ignore
  return encodeSentBlocks(packer);
}

function opened() {
  const feeds = new Feeds();
  const [feed] = feeds.open(gathering);
  const account = new QueryAccount(new NodeAccount(0), 0);
  if (feed === undefined) throw new Error('there is no feed');
  feed.expect('ours', account);
  return { feeds, feed, account };
}

test('feeds: whoever waits for a piece is told that it has come', async () => {
  const feeds = new Feeds();
  const [feed] = feeds.open(gathering);
  let waitedCount = 0;
  feed?.expect('ours', new QueryAccount(new NodeAccount(0), 0), () => waitedCount++);
  const first = feed?.next();
  await feeds.push({ ...place, planned: 'ours', packed: packedOf('a', 'b'), isLast: true });
  expect([(await first)?.group, waitedCount]).toEqual([['a'], 1]);
  expect([feed?.next(), waitedCount]).toMatchObject([{ group: ['b'] }, 1]);
});

test('feeds: blocks come in order, also those that are waited for', async () => {
  const { feeds, feed, account } = opened();
  const first = feed.next();
  const takesMore = feeds.push({ ...place, planned: 'ours', packed: packedOf('a', 'b'), isLast: false }); // prettier-ignore
  expect((await first)?.group).toEqual(['a']);
  expect(account.bytes).toBeGreaterThan(0);
  expect(await takesMore).toBe(true);
  expect(await feeds.push({ ...place, planned: 'ours', packed: empty, isLast: true })).toBe(false);
  expect([await feed.next(), await feed.next()]).toMatchObject([{ group: ['b'] }, undefined]);
  expect(account.bytes).toBe(0);
});

test('feeds: whoever hands on more than is read waits until some of it is', async () => {
  const { feeds, feed } = opened();
  const piece = { ...place, planned: 'ours', packed: packedOf('a'), isLast: false };
  expect(await feeds.push(piece)).toBe(true);
  let isTaken = false;
  const waiting = feeds.push(piece).then((goesOn) => {
    isTaken = true;
    return goesOn;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isTaken).toBe(false);
  await feed.next();
  expect(await waiting).toBe(true);
  const last = feeds.push({ ...piece, packed: packedOf('b') });
  // The answer has ended with rows left: nobody takes them.
  feeds.close(gathering);
  expect(await last).toBe(false);
  expect(await feeds.push(piece)).toBe(false);
});

test('feeds: what a node fails with ends the answer behind what it had sent', async () => {
  const { feeds, feed } = opened();
  await feeds.push({ ...place, planned: 'ours', packed: packedOf('a'), isLast: false });
  const failure = { code: 'unavailable', text: 'the node is down' } as const;
  expect(await feeds.push({ ...place, failure })).toBe(false);
  expect(await feed.next()).toMatchObject({ group: ['a'] });
  expect(() => feed.next()).toThrow(new DbError('unavailable', 'the node is down'));
});

test('feeds: blocks of a node that plans by other schemas are none of the answer', async () => {
  const { feeds, feed } = opened();
  await feeds.push({ ...place, planned: 'theirs', packed: empty, isLast: true });
  expect(() => feed.next()).toThrow('another node plans by other schemas');
  // One that has nothing to plan by has no rows either.
  const nothing = opened();
  await nothing.feeds.push({ ...place, planned: '', packed: empty, isLast: true });
  expect(nothing.feed.next()).toBeUndefined();
  const something = opened();
  await something.feeds.push({ ...place, planned: '', packed: packedOf('a'), isLast: true });
  expect(() => something.feed.next()).toThrow('another node plans by other schemas');
});

test('feeds: bytes that do not read are the failure of another node, not damage here', async () => {
  const { feeds, feed } = opened();
  await feeds.push({ ...place, planned: 'ours', packed: Uint8Array.of(1, 2, 3), isLast: true });
  expect(() => feed.next()).toThrow(expect.objectContaining({ code: 'unavailable' }));
});

test('feeds: an answer that nobody reads any more waits for no other node', async () => {
  const feeds = new Feeds();
  const gathers = { id: 1, beforeCount: 1, afterCount: 0 };
  const [feed] = feeds.open(gathers);
  const waiting = feed?.next();
  feeds.stop(gathers);
  await expect(waiting).rejects.toThrow('nobody reads the answer');
});

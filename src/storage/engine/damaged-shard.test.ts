import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { damagedShardError, damagedShardOf, isWrongShard, viewFailure } from './damaged-shard.ts';
import { movedShardError, movedShardOf } from './moved-shard.ts';

/** What crosses to another node. */
const sent = ({ code, message }: DbError): DbError => new DbError(code, message);
const corrupt = new DbError('corrupt', 'a.tsm: a block at 17');

test('damaged shards: whoever hears of one knows which it is, and whether its own bytes are wrong', () => {
  const damaged = sent(damagedShardError(12, corrupt));
  const unread = sent(damagedShardError(12, new DbError('io_error', 'a.tsm: EIO')));
  expect(damaged.message).toBe('shard 12 is damaged: a.tsm: a block at 17');
  const others = [corrupt, new Error(damaged.message), new DbError('corrupt', 'the shard 12 is damaged: x'), undefined]; // prettier-ignore
  expect([damaged, unread, ...others].map(damagedShardOf)).toEqual([12, 12, undefined, undefined, undefined, undefined]); // prettier-ignore
  expect([damaged, unread, ...others].map(isWrongShard)).toEqual([true, false, false, false, false, false]); // prettier-ignore
});

test('damaged shards: of what a reader meets damage alone is the shard’s', () => {
  expect(viewFailure(corrupt, 12)).toEqual(damagedShardError(12, corrupt));
  const away = new DbError('io_error', 'a.tsm: EIO');
  expect(viewFailure(away, 12)).toBe(away);
});

test('moved shards: whoever hears of one knows which it is', () => {
  const others = [new DbError('unavailable', 'shard 12 is not on this node yet'), new DbError('corrupt', 'shard 12 is not on this node'), undefined]; // prettier-ignore
  expect([sent(movedShardError(12)), ...others].map(movedShardOf)).toEqual([12, undefined, undefined, undefined]); // prettier-ignore
});

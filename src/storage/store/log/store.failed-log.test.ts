/**
 * The disk fails a write to the log of which the bytes are there all the same: nobody was told that it is taken, it is in no file, and a start that
 * finds it behind a later flush must not take it for what the shard has (decision 144).
 */
import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import type { Env } from '../../../env/env.ts';
import { makeStamp, stampBatch } from '../../../models/stamp.ts';
import type { Store } from '../store.ts';

function said(line: string, ns: bigint): Uint8Array {
  const payload = batchOf(line);
  stampBatch(payload, makeStamp(ns, 1));
  return payload;
}

const times = (store: Store): readonly number[] =>
  readField(store, 'm', 'v').map(({ time }) => time);
const logKeptBytes = 1 << 20;
const hint = (): Uint8Array => said('m v=2 20', 5_000n);

/** Fails the n-th call from the write of the hint on; what comes behind that write goes to a file, and the hint comes again. */
async function failAt(n: number, { disk, clock }: Env, comesAgain: 'before' | 'after') {
  const failing = new FailingDisk(disk, { failAt: Infinity, code: 'io_error', stays: false });
  let store = await openStore(failing, clock, { logKeptBytes });
  await store.write(kept, said('m v=1 10', 4_000n));
  failing.failIn(n);
  let isTaken = await store.write(kept, hint()).then(() => true, () => false); // prettier-ignore
  const { hasFailed } = failing;
  failing.failIn(Infinity);
  await store.write(kept, said('m v=3 30', 6_000n));
  await store.flush(kept.shardId);
  if (comesAgain === 'before') isTaken = Boolean(await store.write(kept, hint()));
  await store.close();
  store = await openStore(disk, clock, { logKeptBytes });
  if (!isTaken) await store.write(kept, hint());
  expect(times(store), `call ${n}`).toEqual([10, 20, 30]);
  await store.flush(kept.shardId);
  await store.close();
  store = await openStore(disk, clock, { logKeptBytes });
  expect(times(store), `call ${n}, again`).toEqual([10, 20, 30]);
  await store.close();
  return hasFailed;
}

test.each(['before', 'after'] as const)(
  'store: a hint that the log failed to take is taken as it comes again %s a start',
  async (comesAgain) => {
    for (let n = 1; ; n++) {
      const world = new World(1);
      const { env } = world.addNode('a');
      if (!(await world.complete(failAt(n, env, comesAgain)))) break;
      expect(n).toBeLessThan(20);
    }
  },
);

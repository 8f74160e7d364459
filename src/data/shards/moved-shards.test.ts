import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import { movedShardError } from '../../storage/engine/moved-shard.ts';
import { FailedOwners } from './failed-owners.ts';
import { noteFailure, shardsNow } from './moved-shards.ts';
import { isRefusal, NodeFailure, onNode } from './node-failure.ts';

const catalogOf = (owners: readonly number[]): Catalog =>
  ({ databases: { shard: (id: number) => (id === 7 ? { shard: { id, owners } } : undefined) } }) as unknown as Catalog; // prettier-ignore

/** A reader whose catalog places shard 7, until it is told otherwise. */
class Reader {
  readonly world = new World(1);
  readonly meta: { catalog: Catalog };
  readonly failed = new FailedOwners();
  readonly #cancel = new AbortController();

  constructor(owners: readonly number[]) {
    this.meta = { catalog: catalogOf(owners) };
    this.world.addNode('a');
  }

  async note(error: unknown, meanwhile: () => void = () => undefined): Promise<number> {
    const [node] = this.world.nodes;
    if (node === undefined) throw new Error('no node');
    const { clock } = node.env;
    const beganMs = this.world.nowMs;
    clock.after(100, meanwhile);
    const ports = { clock, meta: this.meta, signal: this.#cancel.signal };
    await this.world.complete(noteFailure(error, this.failed, ports));
    return this.world.nowMs - beganMs;
  }

  cancel(): void {
    this.#cancel.abort(new Error('it has left'));
  }
}

const moved = new NodeFailure(4, movedShardError(7));

test('moved shards: one that has gone from under a statement is read where it is by then, as soon as that is known', async () => {
  const reader = new Reader([4]);
  const waitedMs = await reader.note(moved, () => (reader.meta.catalog = catalogOf([5])));
  expect(waitedMs).toBeLessThan(200);
  expect([reader.failed.hasMoved, reader.failed.has(4, 7)]).toEqual([true, false]);
});

test('moved shards: a node that has not what the catalog says is not waited for without end, nor are shards that move on and on', async () => {
  const reader = new Reader([4]);
  expect(await reader.note(moved)).toBeLessThan(3_100);
  expect([reader.failed.hasMoved, reader.failed.has(4, 7), reader.failed.has(4, 8)]).toEqual([false, true, false]); // prettier-ignore
  const restless = new Reader([5]);
  for (let i = 0; i < 16; i++) await restless.note(moved);
  expect(restless.failed.has(4, 7)).toBe(false);
  await restless.note(moved);
  expect(restless.failed.has(4, 7)).toBe(true);
});

test('moved shards: a node that fails otherwise fails at once, and what is no failure of a node is thrown as it is', async () => {
  const reader = new Reader([4]);
  const away = new DbError('unavailable', 'node 4 is away');
  expect(await reader.note(new NodeFailure(4, away))).toBe(0);
  expect([reader.failed.has(4, 8), reader.failed.reason(4, 8)]).toEqual([true, away]);
  const refused = new DbError('limit_exceeded', 'too many');
  await expect(reader.note(refused)).rejects.toBe(refused);
  reader.cancel();
  await expect(reader.note(moved)).rejects.toBe(moved.cause);
});

test('moved shards: of those that were found before what is there still is read, at the owners of now', () => {
  const found = [{ id: 7, owners: [4] }, { id: 8, owners: [4] }] as never; // prettier-ignore
  expect(shardsNow(found, catalogOf([5, 6]))).toEqual([{ id: 7, owners: [5, 6] }]);
});

test('node failures: another owner is asked where the node failed, and not where the statement is at fault', async () => {
  const away = new DbError('unavailable', 'away');
  const wrong = new DbError('limit_exceeded', 'too many');
  const failure = (error: Error) => onNode(4, () => Promise.reject(error)).catch((thrown: unknown) => thrown); // prettier-ignore
  expect(await failure(away)).toEqual(new NodeFailure(4, away));
  expect(await failure(wrong)).toBe(wrong);
  const odd = new Error('odd');
  expect([away, wrong, new NodeFailure(4, away), new NodeFailure(4, wrong), odd].map(isRefusal)).toEqual([false, true, false, true, false]); // prettier-ignore
});

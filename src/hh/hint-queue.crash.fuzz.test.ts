import { expect, test } from 'vitest';
import { World } from '../../test/sim/world/world.ts';
import { FailingDisk } from '../../test/support/failing-disk.ts';
import { drain, hintOf, numberOf, openQueue } from '../../test/support/hint-script.ts';
import type { Env } from '../env/env.ts';
import type { HintQueue } from './hint-queue.ts';

/** What a queue was asked and what it said. */
class History {
  readonly queued: number[] = [];
  readonly consumed = new Set<number>();
  /** What was queued before the queue was last seen empty must not come back. */
  emptiedAt = 0;
  next = 1;
  readonly #goesOn: boolean;

  /** With `goesOn` a call that fails is not the end of the run. */
  constructor({ goesOn = false }: { readonly goesOn?: boolean } = {}) {
    this.#goesOn = goesOn;
  }

  async append(queue: HintQueue): Promise<void> {
    const number = this.next++;
    await queue.append([hintOf(number)]);
    this.queued.push(number);
  }

  async consume(queue: HintQueue): Promise<void> {
    await queue.consume(90, ({ records }) => {
      for (const { payload } of records) this.consumed.add(numberOf(payload));
      return records.length;
    });
    if (queue.isEmpty) this.emptiedAt = this.next;
  }

  /** Fills and drains, with segments that are begun anew, over and over. */
  async run(env: Pick<Env, 'disk' | 'clock'>): Promise<void> {
    const { queue } = await openQueue(env);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) await this.#try(this.append(queue));
      await this.#try(this.consume(queue));
      await this.#try(queue.rest());
      await this.#try(this.append(queue));
      while (queue.hasUnread) await this.#try(this.consume(queue));
    }
    for (let i = 0; i < 3; i++) await this.#try(this.append(queue));
  }

  async #try(work: Promise<void>): Promise<void> {
    await (this.#goesOn ? work.catch(() => undefined) : work);
  }

  /** What is wrong with what came out of a queue that was opened again. */
  fault(numbers: readonly number[]): string {
    const missing = this.queued.find((one) => !this.consumed.has(one) && !numbers.includes(one));
    if (missing !== undefined) return `${missing} is lost`;
    // Of what nobody was told is kept a name may come back.
    const back = numbers.find((one) => one < this.emptiedAt && this.queued.includes(one));
    if (back !== undefined) return `${back} is back after the queue was empty`;
    if (numbers.some((one, i) => one <= (numbers[i - 1] ?? 0))) return 'out of order';
    return numbers.some((one) => one >= this.next) ? 'invented' : '';
  }
}

async function crashAt(n: number, seed: number): Promise<boolean> {
  const world = new World(seed * 1_000 + n);
  const node = world.addNode('a', { zeroTailRate: 0.3 });
  const history = new History();
  let isOver = false;
  node.drive.afterCalls(n, () => {
    node.crash();
  });
  world.spawn(node, async (env) => {
    await history.run(env);
    isOver = true;
  });
  await world.run(world.nowMs + 5_000);
  if (node.isAlive) node.crash();
  node.restart();
  const { queue } = await world.complete(openQueue(node.env));
  const numbers = await world.complete(drain(queue));
  expect(history.fault(numbers)).toBe('');
  expect(queue.isEmpty).toBe(true);
  return isOver;
}

test.each([1, 2, 3])(
  'hint queue: power lost after any call of the disk, chance %i',
  async (seed) => {
    for (let n = 1; ; n++) {
      const isOver = await crashAt(n, seed).catch((error: unknown) => {
        throw new Error(`call ${n}`, { cause: error });
      });
      if (isOver) return;
      expect(n).toBeLessThan(1_000);
    }
  },
);

test.each(['io_error', 'disk_full'] as const)(
  'hint queue: any call of the disk fails with %s',
  async (code) => {
    for (let n = 1; ; n++) {
      const world = new World(n);
      const { env } = world.addNode('a');
      const history = new History();
      const disk = new FailingDisk(env.disk, { failAt: n, code });
      const isOver = await world.complete(history.run({ ...env, disk }).then(() => true, () => false)); // prettier-ignore
      const { queue } = await world.complete(openQueue(env));
      expect(history.fault(await world.complete(drain(queue))), `call ${n}`).toBe('');
      if (isOver && !disk.hasFailed) return;
      expect(n).toBeLessThan(1_000);
    }
  },
);

test('hint queue: after any call of the disk has failed it goes on, and power is lost at last', async () => {
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node = world.addNode('a', { zeroTailRate: 0.3 });
    const history = new History({ goesOn: true });
    const disk = new FailingDisk(node.env.disk, { failAt: n });
    // Without what the folder holds there is no queue, and nothing that it could lose.
    await world.complete(history.run({ ...node.env, disk }).catch(() => undefined));
    node.crash();
    node.restart();
    const { queue } = await world.complete(openQueue(node.env));
    expect(history.fault(await world.complete(drain(queue))), `call ${n}`).toBe('');
    if (!disk.hasFailed) return;
    expect(n).toBeLessThan(1_000);
  }
});

import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { Throttle } from './throttle.ts';

/** Takes bytes one after the other, with pauses before them; milliseconds from the start at which each may pass. */
async function passed(
  options: { readonly bytesPerSecond: number; readonly burstBytes: number },
  takes: readonly { readonly afterMs?: number; readonly lengthBytes: number }[],
): Promise<readonly number[]> {
  const world = new World(1);
  const { clock } = world.addNode('a').env;
  const throttle = new Throttle({ clock }, options);
  const startMs = clock.monotonicMs();
  const passedMs: number[] = [];
  const work = async (): Promise<void> => {
    for (const { afterMs, lengthBytes } of takes) {
      if (afterMs !== undefined) await clock.sleep(afterMs);
      await throttle.take(lengthBytes);
      passedMs.push(Math.round(clock.monotonicMs() - startMs));
    }
  };
  await world.complete(work());
  return passedMs;
}

const each = (count: number, lengthBytes: number) => Array.from({ length: count }, () => ({ lengthBytes })); // prettier-ignore

test('throttle: without a rate nothing waits', async () => {
  expect(await passed({ bytesPerSecond: 0, burstBytes: 0 }, each(3, 1e12))).toEqual([0, 0, 0]);
});

test('throttle: bytes pass at their rate behind a burst, which is that of a second at the least', async () => {
  const seconds = [0, 1_000, 2_000, 3_000];
  expect(await passed({ bytesPerSecond: 500, burstBytes: 0 }, each(4, 500))).toEqual(seconds);
  const behindBurst = [0, 0, 0, 1_000];
  expect(await passed({ bytesPerSecond: 500, burstBytes: 1_500 }, each(4, 500))).toEqual(behindBurst); // prettier-ignore
});

test('throttle: after a rest there is room for a burst, and for no more than that', async () => {
  const options = { bytesPerSecond: 1_000, burstBytes: 2_000 };
  const takes = [{ lengthBytes: 2_000 }, { afterMs: 500, lengthBytes: 500 }];
  expect(await passed(options, [...takes, { lengthBytes: 100 }])).toEqual([0, 500, 600]);
  const rested = [{ afterMs: 50_000, lengthBytes: 2_000 }, { lengthBytes: 1_000 }];
  expect(await passed(options, rested)).toEqual([50_000, 51_000]);
});

test('throttle: what is larger than a burst passes too, and those behind it wait for it', async () => {
  const options = { bytesPerSecond: 1_000, burstBytes: 1_000 };
  expect(await passed(options, [{ lengthBytes: 3_000 }, { lengthBytes: 500 }])).toEqual([2_000, 2_500]); // prettier-ignore
});

test('throttle: many that wait at once keep to the rate together, and one that is given up has had its share', async () => {
  const world = new World(1);
  const { clock } = world.addNode('a').env;
  const throttle = new Throttle({ clock }, { bytesPerSecond: 1_000, burstBytes: 0 });
  const ending = new AbortController();
  const passedMs: number[] = [];
  const take = async (signal?: AbortSignal): Promise<void> => {
    await throttle.take(1_000, signal);
    passedMs.push(Math.round(world.nowMs));
  };
  const all = [take(), take(), take(ending.signal), take()];
  ending.abort(new Error('given up'));
  const outcomes = await world.complete(Promise.allSettled(all));
  expect(passedMs).toEqual([0, 1_000, 3_000]);
  expect(outcomes[2]).toMatchObject({ status: 'rejected', reason: { message: 'given up' } });
});

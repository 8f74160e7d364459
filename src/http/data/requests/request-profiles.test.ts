import { expect, test } from 'vitest';
import { RequestProfiles } from './request-profiles.ts';
import type { Clock } from '../../../env/clock.ts';

/** Sleeps until it is let go. */
function heldClock(): { readonly clock: Clock; readonly wake: () => void; readonly asked: number[] } {
  let wake = (): void => undefined;
  const asked: number[] = [];
  const sleep = (ms: number) => {
    asked.push(ms);
    return new Promise<void>((resolve) => (wake = resolve));
  };
  return { clock: { sleep } as unknown as Clock, wake: () => wake(), asked };
} // prettier-ignore

const signal = new AbortController().signal;

test('request profiles: requests are counted by address, while somebody looks', async () => {
  const { clock, wake, asked } = heldClock();
  const profiles = new RequestProfiles(clock);
  profiles.add('/query', '10.0.0.1');
  const answer = profiles.read('', signal);
  profiles.add('/query', '10.0.0.1');
  profiles.add('/write', '10.0.0.1');
  profiles.add('/write', '10.0.0.2');
  profiles.add('/ping', '10.0.0.3');
  wake();
  expect(await answer).toBe('{\n"10.0.0.1": {"writes":1,"queries":1},\n"10.0.0.2": {"writes":1,"queries":0}\n}\n'); // prettier-ignore
  expect(asked).toEqual([10_000]);
});

test('request profiles: nothing is nothing, and what is no time is told', async () => {
  const profiles = new RequestProfiles(heldClock().clock);
  expect(await profiles.read('0', signal)).toBe('{\n\n}\n');
  await expect(profiles.read('x', signal)).rejects.toThrow('strconv.ParseInt: parsing "x": invalid syntax'); // prettier-ignore
  await expect(profiles.read('21601', signal)).rejects.toThrow('exceeded maximum interval time: 21601s > 6h'); // prettier-ignore
});

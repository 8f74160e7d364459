import { expect, test } from 'vitest';
import type { Clock } from '../../env/clock.ts';
import { Announcements } from './announcements.ts';

function at(start: { nowMs: number }): Announcements {
  return new Announcements({ monotonicMs: () => start.nowMs } as unknown as Clock, 30_000);
}

test('announcements: a silent node is forgotten, also when others pass on what they heard', () => {
  const time = { nowMs: 0 };
  const [one, two] = [at(time), at(time)];
  one.note({ tcpAddress: 'd1:8088', version: 'v1' });
  time.nowMs = 20_000;
  two.note({ tcpAddress: 'm1:8089', version: 'v1', heard: one.heard });
  expect(two.versionOf('d1:8088')).toBe('v1');
  expect(two.versionOf('m1:8089')).toBe('v1');
  time.nowMs = 30_001;
  expect(two.versionOf('d1:8088')).toBe('');
  one.note({ tcpAddress: 'm2:8089', version: 'v1', heard: two.heard });
  expect(one.versionOf('d1:8088')).toBe('');
  expect(one.heard.map(({ tcpAddress }) => tcpAddress).sort()).toEqual(['m1:8089', 'm2:8089']);
});

test('announcements: what is heard at second hand does not make a node younger or of another version', () => {
  const time = { nowMs: 50_000 };
  const one = at(time);
  one.note({ tcpAddress: 'd1:8088', version: 'new' });
  const old = { tcpAddress: 'd1:8088', version: 'old', ageMs: 5_000 };
  one.note({ tcpAddress: 'm1:8089', version: 'v1', heard: [old, { ...old, ageMs: -1e9 }] });
  expect(one.versionOf('d1:8088')).toBe('new');
});

test('announcements: no more are kept than a cluster may have, the newest', () => {
  const one = at({ nowMs: 0 });
  for (let i = 0; i < 10_000; i++) one.note({ tcpAddress: `x${i}:1`, version: 'v' });
  expect(one.heard).toHaveLength(4_096);
  expect(one.versionOf('x9999:1')).toBe('v');
});

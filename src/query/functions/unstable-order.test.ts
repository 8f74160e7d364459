import { expect, test } from 'vitest';
import { unstableOrder } from './unstable-order.ts';

/** FNV-1a of the positions that `sort.Sort` of Go 1.26 left for `keys(count, distinct, kind)`. */
const recorded: readonly (readonly [
  count: number,
  distinct: number,
  kind: number,
  hash: number,
])[] = [
  // prettier-ignore
  [0, 1, 0, 2166136261],
  [1, 1, 0, 84696351],
  [12, 3, 0, 795985603],
  [12, 3, 1, 1246796121],
  [12, 3, 2, 2999420857],
  [12, 3, 3, 330121105],
  [12, 3, 4, 1246796121],
  [12, 3, 5, 1013419121],
  [13, 3, 0, 2284451985],
  [13, 3, 1, 1373724879],
  [13, 3, 2, 190149301],
  [13, 3, 3, 4045841211],
  [13, 3, 4, 2837438131],
  [13, 3, 5, 1545728473],
  [30, 2, 0, 1859137560],
  [30, 2, 1, 2061038070],
  [30, 2, 2, 1663460540],
  [30, 2, 3, 2013735116],
  [30, 2, 4, 2061038070],
  [30, 2, 5, 2013735116],
  [49, 7, 0, 726726081],
  [49, 7, 1, 527181919],
  [49, 7, 2, 3694853365],
  [49, 7, 3, 3401376927],
  [49, 7, 4, 328330355],
  [49, 7, 5, 1435757825],
  [50, 7, 0, 2005921894],
  [50, 7, 1, 3846415658],
  [50, 7, 2, 4088363846],
  [50, 7, 3, 2110701186],
  [50, 7, 4, 145620598],
  [50, 7, 5, 3747048090],
  [51, 7, 0, 2822778842],
  [51, 7, 1, 24962248],
  [51, 7, 2, 3326445826],
  [51, 7, 3, 1927184320],
  [51, 7, 4, 281851034],
  [51, 7, 5, 2769237834],
  [100, 40, 0, 2644202979],
  [100, 40, 1, 3726872593],
  [100, 40, 2, 2252660841],
  [100, 40, 3, 2888945521],
  [100, 40, 4, 746882971],
  [100, 40, 5, 3585248259],
  [333, 3, 0, 2282067847],
  [333, 3, 1, 2520004047],
  [333, 3, 2, 1119330745],
  [333, 3, 3, 975782541],
  [333, 3, 4, 1892669025],
  [333, 3, 5, 2732933895],
  [1000, 7, 0, 716556705],
  [1000, 7, 1, 2691360765],
  [1000, 7, 2, 2209240249],
  [1000, 7, 3, 3665074683],
  [1000, 7, 4, 461788729],
  [1000, 7, 5, 3208213555],
  [5000, 1000, 0, 4198359543],
  [5000, 1000, 1, 2356979101],
  [5000, 1000, 2, 4029629787],
  [5000, 1000, 3, 1863788981],
  [5000, 1000, 4, 1996973349],
  [5000, 1000, 5, 998513521],
];

/** Random values, ascending and descending runs, stairs, and runs with some values out of place. */
function keys(count: number, distinct: number, kind: number): number[] {
  let random = (count * 31 + distinct * 7 + kind + 1) >>> 0;
  return Array.from({ length: count }, (_, i) => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    const any = (random >>> 8) % distinct;
    const rising = Math.floor((i * distinct) / (count + 1));
    const half = i < Math.floor(count / 2) ? i : count - i;
    const falling = Math.floor(((count - i) * distinct) / (count + 1));
    return [any, rising, falling, (i * 7_919) % distinct, i % 37 === 5 ? any : rising, half % distinct][kind] ?? 0; // prettier-ignore
  });
}

test.each(recorded)('unstable order: %i values, %i of them distinct, kind %i', (...row) => {
  const [count, distinct, kind, hash] = row;
  const values = keys(count, distinct, kind);
  const order = unstableOrder(count, (a, b) => (values[a] ?? 0) < (values[b] ?? 0));
  const found = order.reduce((sum, at) => Math.imul(sum ^ at, 16_777_619) >>> 0, 2_166_136_261);
  expect(found).toBe(hash);
});

test('unstable order: values that have no order end nothing', () => {
  const values = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? Number.NaN : i % 7));
  const order = unstableOrder(200, (a, b) => (values[a] ?? 0) < (values[b] ?? 0));
  expect([...order].sort((a, b) => a - b)).toEqual(values.map((_, i) => i));
});

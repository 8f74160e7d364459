import { expect, test } from 'vitest';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import { LeaseFences } from './lease-fences.ts';

function fencesWith(token: number): LeaseFences {
  const lease = { name: 'cq', nodeId: 4, expiresNs: 0n, token };
  return new LeaseFences({ catalog: { ...emptyCatalog, leases: [lease] } });
}

test('lease fences: what shows no lease passes', () => {
  expect(() => {
    fencesWith(9).check(undefined);
  }).not.toThrow();
});

test('lease fences: a holder before the one of the catalog is refused', () => {
  const fences = fencesWith(3);
  const lost = 'another node has the lease: cq';
  expect(() => {
    fences.check({ lease: 'cq', token: 2 });
  }).toThrow(lost);
  fences.check({ lease: 'cq', token: 3 });
});

test('lease fences: a write tells of its holder before the catalog does', () => {
  const fences = fencesWith(3);
  fences.check({ lease: 'cq', token: 4 });
  expect(() => {
    fences.check({ lease: 'cq', token: 3 });
  }).toThrow('lease');
  fences.check({ lease: 'other', token: 1 });
});

test('lease fences: names that nobody knows are not kept without end', () => {
  const fences = fencesWith(1);
  for (let i = 0; i < 200; i++) fences.check({ lease: `made up ${i}`, token: 5 });
  // Past the limit it is as if they had not been seen: the catalog decides.
  fences.check({ lease: 'made up 199', token: 1 });
  expect(() => {
    fences.check({ lease: 'made up 0', token: 1 });
  }).toThrow('lease');
  // Those that are known go on to be.
  fences.check({ lease: 'made up 0', token: 7 });
  expect(() => {
    fences.check({ lease: 'made up 0', token: 6 });
  }).toThrow('lease');
});

test('lease fences: a node that has left its cluster goes by the tokens of the next one', () => {
  const meta = { catalog: { ...emptyCatalog, clusterId: 1n } };
  const fences = new LeaseFences(meta);
  fences.check({ lease: 'cq', token: 50 });
  meta.catalog = { ...emptyCatalog, clusterId: 2n };
  fences.check({ lease: 'cq', token: 3 });
  expect(() => {
    fences.check({ lease: 'cq', token: 2 });
  }).toThrow('lease');
});

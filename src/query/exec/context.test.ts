import { expect, test } from 'vitest';
import { memoryArena } from '../../../test/support/memory-source.ts';
import { FragmentContext, PointCount } from './context.ts';

function contextOf(points?: PointCount): FragmentContext {
  const context = new FragmentContext(memoryArena(), () => () => false, () => false, points); // prettier-ignore
  context.limitPoints(10);
  return context;
}

test('fragment context: the points of a statement are counted together, whichever of its fragments reads them', () => {
  const points = new PointCount();
  const [one, other] = [contextOf(points), contextOf(points)];
  one.countPoints(6);
  other.countPoints(4);
  expect(() => one.countPoints(1)).toThrow('max-select-point limit exceeded: (11/10)');
});

test('fragment context: those of others are not', () => {
  const [one, other] = [contextOf(), contextOf()];
  one.countPoints(6);
  other.countPoints(6);
  expect(() => one.countPoints(5)).toThrow('max-select-point limit exceeded: (11/10)');
});

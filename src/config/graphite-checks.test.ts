import { expect, test } from 'vitest';
import { graphiteTags, graphiteTemplates } from './graphite-checks.ts';

/** What a real 1.12.4 says of each. */
test.each([
  [[''], 'missing template at position: 0'],
  [['measurement', ' '], 'missing template at position: 1'],
  [['a b c d'], "invalid template format: 'a b c d'"],
  [['a.b'], 'no measurement in template `a.b`'],
  [['measurements.x'], 'no measurement in template `measurements.x`'],
  [['*.x measurement', '*.x measurement.a'], "duplicate filter '*.x' found at position: 1"],
  [['measurement', 'measurement.a'], "duplicate filter '' found at position: 1"],
  [['a..b measurement'], 'filter contains blank section: a..b'],
  [['a*b measurement'], 'invalid filter wildcard section: a*b'],
  [['x measurement a=b=c'], "invalid template tags: 'a=b=c'"],
  [['x measurement a='], "invalid template tags: a='"],
  [['measurement a=b,c'], "invalid template tags: 'c'"],
])('graphite checks: templates %j are refused', (templates, reason) => {
  expect(graphiteTemplates(templates, () => undefined)).toBe(`invalid graphite config: ${reason}`);
});

test('graphite checks: templates in all of their forms are taken', () => {
  const templates = ['*.app env.service.measurement*', 'stats.* .host.measurement region=us,agent=x', 'measurement.field* a=b']; // prettier-ignore
  expect(graphiteTemplates(templates, () => undefined)).toBe(undefined);
  expect(graphiteTemplates([], () => undefined)).toBe(undefined);
});

test('graphite checks: tags are key=value', () => {
  expect(graphiteTags(['a=b', 'c=d'], () => undefined)).toBe(undefined);
  expect(graphiteTags(['a'], () => undefined)).toBe("invalid graphite config: invalid template tags: 'a'"); // prettier-ignore
});

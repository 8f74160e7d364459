import fc from 'fast-check';
import { expect, test } from 'vitest';
import { predicateFields, specialize, type Operand, type Predicate } from './predicate.ts';
import { SeriesPredicates } from './series-predicates.ts';

const matcher = (pattern: string) => (text: string) => text.includes(pattern);
const tag = (name: string): Operand => ({ kind: 'tag', name });
const field = (name: string): Operand => ({ kind: 'field', name });
const equals = (left: Operand, value: string | number): Predicate => ({
  kind: 'compare',
  operator: '=',
  left,
  right: { kind: 'constant', value },
});
const either = (left: Predicate, right: Predicate): Predicate => ({ kind: 'or', left, right });

/** As deep as the logarithm of its terms. */
function joined(kind: 'and' | 'or', terms: readonly Predicate[]): Predicate {
  const middle = terms.length >> 1;
  if (terms.length < 2) return terms[0] ?? { kind: 'constant', value: true };
  return { kind, left: joined(kind, terms.slice(0, middle)), right: joined(kind, terms.slice(middle)) }; // prettier-ignore
}

const text = fc.constantFrom('', 'a', 'ab', 'b');
const leaf = fc.oneof(
  fc.tuple(fc.constantFrom('h', 'r'), text).map(([name, value]) => equals(tag(name), value)),
  fc.tuple(fc.constantFrom('f', 'g'), fc.integer({ min: 0, max: 2 })).map(([name, value]) => equals(field(name), value)), // prettier-ignore
  fc.tuple(fc.constantFrom(tag('h'), field('s')), text, fc.boolean()).map(([operand, pattern, negated]): Predicate => ({ kind: 'match', operand, pattern, negated })), // prettier-ignore
  fc.boolean().map((value): Predicate => ({ kind: 'constant', value })),
);
const { predicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof(
    { weight: 2, arbitrary: leaf },
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), left: tie('predicate'), right: tie('predicate') }), // prettier-ignore
  ),
}));

test('series predicates: one series after the other is left what it is left by itself', () => {
  fc.assert(
    fc.property(
      predicate,
      fc.array(fc.record({ h: text, r: text }), { maxLength: 6 }),
      (asked, series) => {
        const predicates = new SeriesPredicates(asked, matcher);
        for (const { h, r } of series) {
          const tags = new Map(Object.entries({ h, r }).filter(([, value]) => value !== ''));
          const residual = predicates.of(tags);
          const alone = specialize(asked, tags, matcher);
          // What hangs on no tag is decided as far as it can be, by either.
          expect(residual).toEqual(alone);
          if (residual === undefined || residual === false) continue;
          expect([...predicates.fieldsOf(residual)].sort()).toEqual(
            [...predicateFields(residual)].sort(),
          );
        }
      },
    ),
    { numRuns: 2_000, seed: 5 },
  );
});

test('series predicates: of many terms and many series nothing is kept that is as large as both', () => {
  const terms = Array.from({ length: 1_000 }, (_, i) =>
    either(equals(tag('h'), `h${i}`), equals(field('v'), i)),
  );
  const predicates = new SeriesPredicates(joined('and', terms), matcher);
  const parts = new Set<Predicate>();
  const visit = (part: Predicate): void => {
    if (parts.has(part)) return;
    parts.add(part);
    if (part.kind !== 'and' && part.kind !== 'or') return;
    visit(part.left);
    visit(part.right);
  };
  for (let i = 0; i < 1_000; i++) {
    const residual = predicates.of(new Map([['h', `h${i}`]]));
    if (residual !== undefined && residual !== false) visit(residual);
  }
  expect(parts.size).toBeGreaterThan(1_000);
  expect(parts.size).toBeLessThan(20_000);
});

test('series predicates: what reads fields alone is the same for every series', () => {
  const asked = joined(
    'or',
    Array.from({ length: 9 }, (_, i) => equals(field('v'), i)),
  );
  const predicates = new SeriesPredicates(asked, matcher);
  const [first, second] = ['a', 'b'].map((host) => predicates.of(new Map([['h', host]])));
  expect(first).toEqual(asked);
  expect(second).toBe(first);
});

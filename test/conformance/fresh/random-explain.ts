import { layersSelect } from './random-layers.ts';
import { aggregateSelect, rawSelect, subquerySelect, transformSelect } from './random-selects.ts';
import { severalSources } from './random-several.ts';
import type { RandomChoice } from './random-choice.ts';

/** How a SELECT of any family is, or was, done: what is read, of how many shards and series, by which cursors. */
export function explainStatement(random: RandomChoice): string {
  const families = [rawSelect, aggregateSelect, transformSelect, subquerySelect, layersSelect, severalSources]; // prettier-ignore
  const select = random.of(families)(random);
  return `EXPLAIN ${random.maybe(0.4, () => 'ANALYZE ')}${select}`;
}

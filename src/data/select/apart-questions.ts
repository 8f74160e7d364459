/**
 * Which SELECTs each node may answer for its own groups (decision 98), and which of them are worth the try: whether the groups
 * of nodes lie apart is known once each has said which it has, and where they do not, what was read for it is lost.
 */
import { RecentMap } from '../../base/collections/recent-map.ts';
import { KiB } from '../../base/units.ts';
import type { Expr } from '../../influxql/ast.ts';
import { isOfGroup } from '../engine/answers/own-groups.ts';
import type { CompiledSelect } from '../../query/plan/compile-statement.ts';
import { visitExpr } from '../../query/plan/walk-expr.ts';

/**
 * What such a SELECT has in common with others that part their rows in the same way: the measurement and the tags that it groups
 * and chooses by. Undefined for one that has rows of several nodes in one group by its text alone, or whose groups are not apart
 * from each other.
 */
export function apartQuestion(compiled: CompiledSelect): string | undefined {
  const { groupBy, condition, fields } = compiled;
  const measurement = soleMeasurement(compiled);
  if (measurement === undefined) return undefined;
  if (!isOfGroup(fields)) return undefined;
  const chosen = condition === undefined ? [] : namesEqual(condition);
  if (groupBy.tags.length === 0 && chosen.length === 0) return undefined;
  const tags = groupBy.tags.map((tag) => (tag.kind === 'ref' ? tag.name : tag.kind));
  return JSON.stringify([...measurement, tags, chosen]);
}

/** What names the one measurement of a SELECT; undefined where there are several, its series are paged, or it writes. */
export function soleMeasurement({
  sources,
  statement,
}: CompiledSelect): readonly string[] | undefined {
  const [source, ...others] = sources;
  if (source?.kind !== 'measurement' || others.length > 0) return undefined;
  const { database, retentionPolicy, name, regex } = source.measurement;
  const isPaged = statement.seriesLimit > 0 || statement.seriesOffset > 0;
  if (regex !== undefined || isPaged || statement.target !== undefined) return undefined;
  return [database, retentionPolicy, name];
}

/** Names that a condition compares with a text, each as often as it does. */
function namesEqual(condition: Expr): readonly string[] {
  const names: string[] = [];
  visitExpr(condition, (expr) => {
    if (expr.kind !== 'binary' || expr.operator !== '=') return;
    const { left, right } = expr;
    if (left.kind === 'ref' && right.kind === 'string') names.push(left.name);
    else if (right.kind === 'ref' && left.kind === 'string') names.push(right.name);
  });
  return names.sort();
}

const questionsMax = { countMax: 1_024, weightMax: 256 * KiB };
/** So many are answered the general way once groups were not apart; twice as many each time that it comes to that again. */
const passedMin = 4;
const passedMax = 4_096;

interface Passing {
  readonly count: number;
  left: number;
}

/** What a node has seen of its questions: those whose groups were not apart are not tried again at once. */
export class ApartMemory {
  readonly #passing = new RecentMap<string, Passing>(questionsMax);

  /** Asked once for each SELECT. */
  isWorth(question: string): boolean {
    const passing = this.#passing.get(question);
    if (passing === undefined || passing.left === 0) return true;
    passing.left--;
    return false;
  }

  wereApart(question: string): void {
    this.#passing.delete(question);
  }

  wereNotApart(question: string): void {
    const before = this.#passing.get(question)?.count ?? 0;
    const count = Math.min(passedMax, Math.max(passedMin, before * 2));
    this.#passing.set(question, { count, left: count }, question.length);
  }
}

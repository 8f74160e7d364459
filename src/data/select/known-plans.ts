/**
 * What was worked out of a statement, kept beside it for when its text is asked again (influxql/known-texts.ts gives the same
 * object for the same text, and bounds how many there are).
 *
 * - Only of statements that read the same at any time (`readsClock`).
 * - As long as the catalog is of the same index, and the request asks in the same place with the same limit.
 * - The plan as long as the schemas are the very ones that it was made from, whichever owners gave them.
 * - Plans of very many columns or measurements are made each time: kept ones are small.
 */
import type { SelectStatement } from '../../influxql/ast.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import type { MeasurementSchema } from '../../query/compile/schema.ts';
import type { FeedPlan, LevelPlan } from '../../query/plan/level-plan.ts';
import type { Place } from './select-places.ts';

const columnsMax = 64;
const measurementsMax = 16;

type Asked = { readonly database: string; readonly retentionPolicy: string; readonly bucketsMax: number }; // prettier-ignore

type CatalogState = Pick<Catalog, 'clusterId' | 'index'>;

interface Kept<Prepared> {
  readonly asked: Asked;
  /** Which catalog it was, without holding on to it: an old one is large, and nobody else has it. */
  readonly catalog: CatalogState;
  readonly prepared: Prepared;
}

/** By the statement as it was parsed; gone with it. */
export class PreparedStatements<Prepared> {
  readonly #kept = new WeakMap<SelectStatement, Kept<Prepared>>();

  find(statement: SelectStatement, asked: Asked, catalog: Catalog): Prepared | undefined {
    const kept = this.#kept.get(statement);
    return kept !== undefined && isSameState(kept.catalog, catalog) && isSame(kept.asked, asked)
      ? kept.prepared
      : undefined;
  }

  keep(
    statement: SelectStatement,
    prepared: Prepared,
    { asked, catalog }: { readonly asked: Asked; readonly catalog: Catalog },
  ): void {
    const { database, retentionPolicy, bucketsMax } = asked;
    const { clusterId, index } = catalog;
    const kept = {
      asked: { database, retentionPolicy, bucketsMax },
      catalog: { clusterId, index },
    };
    this.#kept.set(statement, { ...kept, prepared });
  }
}

function isSameState(left: CatalogState, right: CatalogState): boolean {
  return left.index === right.index && left.clusterId === right.clusterId;
}

function isSame(left: Asked, right: Asked): boolean {
  return (
    left.database === right.database &&
    left.retentionPolicy === right.retentionPolicy &&
    left.bucketsMax === right.bucketsMax
  );
}

/** The plan of one statement, if it was made from the schemas at hand. */
export class KnownPlan {
  #schemas: readonly (readonly MeasurementSchema[])[] = [];
  #plan: LevelPlan | undefined;

  find(places: readonly Place[]): LevelPlan | undefined {
    const isKnown =
      places.length === this.#schemas.length &&
      places.every(({ schemas }, i) => schemas === this.#schemas[i]);
    return isKnown ? this.#plan : undefined;
  }

  keep(places: readonly Place[], plan: LevelPlan): void {
    if (plan.columns.length > columnsMax || measurementCount(plan) > measurementsMax) return;
    this.#schemas = places.map(({ schemas }) => schemas);
    this.#plan = plan;
  }
}

function measurementCount({ feeds }: LevelPlan): number {
  return feeds.reduce((sum, feed) => sum + countOf(feed), 0);
}

function countOf(feed: FeedPlan): number {
  if (feed.kind === 'windows') return feed.scan.names.length;
  return feed.sources.reduce(
    (sum, source) =>
      sum + (source.kind === 'scan' ? source.scan.names.length : measurementCount(source.level)),
    0,
  );
}

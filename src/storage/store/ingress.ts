/**
 * Points, values and new series that a worker's shards took, by measurement or by who wrote them (the reference's
 * `ingress-metric-by-measurement-enabled` and `ingress-metric-by-login-enabled`).
 */
import type { BatchShape, PointBatch } from '../../models/point-batch.ts';
import { isRefused } from '../engine/limits/refused-rows.ts';

export interface IngressOptions {
  readonly byMeasurement: boolean;
  readonly byLogin: boolean;
}

/** What is not told apart is ''. */
export interface IngressCount {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly measurement: string;
  readonly login: string;
  readonly pointCount: number;
  readonly valueCount: number;
  readonly seriesCount: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface IngressBatch {
  readonly batch: PointBatch;
  readonly rejects: Uint8Array;
  /** A byte for each series of the batch, 1 for one that is new; undefined when none is. */
  readonly unknown: Uint8Array | undefined;
}

/** As the reference calls whoever has not logged in. */
const unknownLogin = '_systemuser_unknown';
/** Names come from clients: beyond so many, what is new is not counted. */
const countsMax = 100_000;

export class Ingress {
  readonly #options: IngressOptions;
  readonly #counts = new Map<string, Mutable<IngressCount>>();

  constructor(options: IngressOptions) {
    this.#options = options;
  }

  /** Counts a batch once it is durable. */
  add(
    login: string | undefined,
    place: { readonly database: string; readonly retentionPolicy: string },
    { batch, rejects, unknown }: IngressBatch,
  ): void {
    const unseen = unknown?.slice();
    const writer = login === undefined || login === '' ? unknownLogin : login;
    for (const shape of batch.shapes) {
      const count = this.#of(place, shape.measurement, writer);
      if (count === undefined) continue;
      const pointCount = takenOf(shape, rejects, unseen, () => count.seriesCount++);
      count.pointCount += pointCount;
      count.valueCount += pointCount * shape.fields.length;
    }
  }

  list(): readonly IngressCount[] {
    return [...this.#counts.values()];
  }

  #of(
    place: { readonly database: string; readonly retentionPolicy: string },
    measurement: string,
    login: string,
  ): Mutable<IngressCount> | undefined {
    const { byMeasurement, byLogin } = this.#options;
    const told = {
      ...(byMeasurement ? { ...place, measurement } : nowhere),
      login: byLogin ? login : '',
    };
    const key = keyOf(told);
    const known = this.#counts.get(key);
    if (known !== undefined || this.#counts.size >= countsMax) return known;
    const made = { ...told, pointCount: 0, valueCount: 0, seriesCount: 0 };
    this.#counts.set(key, made);
    return made;
  }
}

const nowhere = { database: '', retentionPolicy: '', measurement: '' };

/** The same for what is told apart in no way. */
export function keyOf(count: Pick<IngressCount, 'database' | 'retentionPolicy' | 'measurement' | 'login'>): string {
  const { database, retentionPolicy, measurement, login } = count;
  return JSON.stringify([database, retentionPolicy, measurement, login]);
} // prettier-ignore

/** How many rows are not refused; each new series of theirs is told once. */
function takenOf(
  { rowCount, ordinals, series }: BatchShape,
  rejects: Uint8Array,
  unseen: Uint8Array | undefined,
  onNew: () => void,
): number {
  const isWhole = !rejects.some((byte) => byte !== 0);
  if (isWhole && unseen === undefined) return rowCount;
  let takenCount = 0;
  for (let row = 0; row < rowCount; row++) {
    if (!isWhole && isRefused(rejects, ordinals[row] ?? 0)) continue;
    takenCount++;
    const id = series[row] ?? 0;
    if (unseen?.[id] !== 1) continue;
    unseen[id] = 0;
    onNew();
  }
  return takenCount;
}

/** What a shard says of the rows of a batch, while each of its checks refuses some more. */
import { isRefused, refusedCount } from './refused-rows.ts';

export interface FieldVerdict {
  /** One bit per ordinal, set for refused rows; empty when all are taken. */
  readonly rejects: Uint8Array;
  readonly droppedCount: number;
  /** The reference's text for the first refused row; '' when all are taken. */
  readonly reason: string;
}

/** One for all: a shard may remember what came of each of thousands of batches. */
const noRejects: Uint8Array = new Uint8Array(0);

const allTaken: FieldVerdict = { rejects: noRejects, droppedCount: 0, reason: '' };

export class RowVerdict {
  readonly rowCount: number;
  #rejects = noRejects;
  #droppedCount = 0;
  #reason = '';

  constructor(rowCount: number) {
    this.rowCount = rowCount;
  }

  get isEmpty(): boolean {
    return this.#droppedCount === 0;
  }

  isRefused(ordinal: number): boolean {
    return isRefused(this.#rejects, ordinal);
  }

  /** A row that is not refused yet. */
  refuse(ordinal: number): void {
    if (this.#rejects.length === 0) this.#rejects = new Uint8Array((this.rowCount + 7) >>> 3);
    this.#rejects[ordinal >>> 3] = (this.#rejects[ordinal >>> 3] ?? 0) | (1 << (ordinal & 7));
    this.#droppedCount++;
  }

  /** Of several reasons the first one is told. */
  tell(reason: string): void {
    if (this.#reason === '') this.#reason = reason;
  }

  /** To be asked once all is said. */
  verdict(): FieldVerdict {
    if (this.isEmpty) return allTaken;
    return { rejects: this.#rejects, droppedCount: this.#droppedCount, reason: this.#reason };
  }
}

/** Where nothing of it would be refused now, why it was is not known any more. */
const refusedThen = 'points were refused when they came first';

/** What was said of a batch as it was taken; `now` is what would be said of it now. */
export function refusedBefore(rejects: Uint8Array, now: RowVerdict): FieldVerdict {
  const droppedCount = refusedCount(rejects, now.rowCount);
  if (droppedCount === 0) return allTaken;
  const { reason } = now.verdict();
  return { rejects, droppedCount, reason: reason === '' ? refusedThen : reason };
}

import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { OwnerReceipt } from '../engine/shard-access.ts';
import { requiredOwners, type ConsistencyLevel } from './consistency.ts';
import type { Share, ShareOutcome } from './share.ts';

export interface OwnerWritesOptions {
  readonly level: ConsistencyLevel;
  /** `[cluster] write-timeout`: it ends the client's answer, and nothing that was handed over. */
  readonly timeoutMs: number;
  /** The owner that is this node; undefined when it is none. */
  readonly localOwner: number | undefined;
  /** Told when the client is about to be answered, of each owner that has not acknowledged its copy by then. */
  readonly onAnswered: (owner: number, outcome: Promise<ShareOutcome>) => void;
}

/**
 * How long an answer whose level is met waits for this node's own copy. Past it a disk or a worker here is in trouble;
 * reads then go to the owners that have acknowledged.
 */
export const localPatienceMs = 1_000;

/**
 * Waits for as many owners as the level asks for (spec F41, F42), and for this node's own copy, so that a client which
 * reads here sees what it wrote. What is still under way goes on. Outcomes and texts are the reference's: `timeout`;
 * `partial write` when some owners have it but too few; `write failed: <first error>` when none has. A copy that is
 * queued counts for the level `any` only. Where the level is not met and an owner said that the shard is not there, that is told as
 * `shard_not_found`: whoever writes looks where its points belong by now. A receipt with refused points counts as written: the owner
 * has decided, and writing again would not change it.
 */
export function awaitOwners(
  clock: Clock,
  shares: ReadonlyMap<number, Share>,
  options: OwnerWritesOptions,
): Promise<OwnerReceipt> {
  if (shares.size === 0) return Promise.reject(new DbError('write_failed', 'write failed'));
  return new Promise((resolve, reject) => {
    new OwnersAwaited(clock, shares, { ...options, resolve, reject }).start();
  });
}

interface Answer {
  readonly resolve: (receipt: OwnerReceipt) => void;
  readonly reject: (error: DbError) => void;
}

class OwnersAwaited {
  readonly #clock: Clock;
  readonly #shares: ReadonlyMap<number, Share>;
  readonly #options: OwnerWritesOptions & Answer;
  readonly #outcomes = new Map<number, ShareOutcome>();
  #receipt: OwnerReceipt = { droppedCount: 0, reason: '' };
  #newerNs: bigint | undefined;
  #unacceptedCount: number;
  #firstError: unknown;
  #isAnswered = false;
  #isPatienceOver = false;
  #timer: { cancel(): void } = { cancel: () => undefined };
  #patience: { cancel(): void } | undefined;

  constructor(
    clock: Clock,
    shares: ReadonlyMap<number, Share>,
    options: OwnerWritesOptions & Answer,
  ) {
    this.#clock = clock;
    this.#shares = shares;
    this.#options = options;
    this.#unacceptedCount = shares.size;
  }

  start(): void {
    this.#timer = this.#clock.after(this.#options.timeoutMs, () => {
      if (this.#isMet()) this.#succeed();
      else this.#fail(new DbError('timeout', 'timeout'));
    });
    for (const [owner, { accepted, outcome }] of this.#shares) {
      void accepted.then(() => {
        this.#unacceptedCount--;
        this.#look();
      });
      void outcome.then((settled) => {
        this.#outcomes.set(owner, settled);
        if (settled.kind === 'written') this.#take(settled.receipt);
        else this.#firstError ??= settled.error;
        this.#look();
      });
    }
  }

  #take(receipt: OwnerReceipt): void {
    const { droppedCount, newerNs } = receipt;
    if (droppedCount > this.#receipt.droppedCount) this.#receipt = receipt;
    if (newerNs !== undefined && newerNs > (this.#newerNs ?? newerNs - 1n)) this.#newerNs = newerNs;
  }

  #look(): void {
    if (this.#isAnswered) return;
    if (this.#isMet()) {
      // A writer that is ahead of an owner's memory is held back here, not with an error.
      if (this.#unacceptedCount === 0 && this.#isLocalSettled()) this.#succeed();
    } else if (this.#outcomes.size === this.#shares.size)
      this.#fail(this.#sentBack() ?? failure(this.#writtenCount(), this.#firstError));
  }

  #isMet(): boolean {
    const { level } = this.#options;
    const queuedCount = level === 'any' ? this.#count('queued') : 0;
    return this.#writtenCount() + queuedCount >= requiredOwners(level, this.#shares.size);
  }

  /** What an owner said that the shard is not there for. */
  #sentBack(): DbError | undefined {
    for (const outcome of this.#outcomes.values())
      if (outcome.kind !== 'written' && isDbError(outcome.error, 'shard_not_found'))
        return outcome.error;
    return undefined;
  }

  #isLocalSettled(): boolean {
    const { localOwner } = this.#options;
    if (localOwner === undefined || this.#outcomes.has(localOwner)) return true;
    this.#patience ??= this.#clock.after(localPatienceMs, () => {
      this.#isPatienceOver = true;
      this.#look();
    });
    return this.#isPatienceOver;
  }

  #writtenCount(): number {
    return this.#count('written');
  }

  #count(kind: ShareOutcome['kind']): number {
    let count = 0;
    for (const outcome of this.#outcomes.values()) if (outcome.kind === kind) count++;
    return count;
  }

  #succeed(): void {
    if (!this.#end()) return;
    for (const [owner, { outcome }] of this.#shares)
      if (this.#outcomes.get(owner)?.kind !== 'written') this.#options.onAnswered(owner, outcome);
    // What the owners said of refused points is complete only for those that have answered.
    const newerNs = this.#newerNs;
    this.#options.resolve(newerNs === undefined ? this.#receipt : { ...this.#receipt, newerNs });
  }

  #fail(error: DbError): void {
    if (this.#end()) this.#options.reject(error);
  }

  #end(): boolean {
    if (this.#isAnswered) return false;
    this.#isAnswered = true;
    this.#timer.cancel();
    this.#patience?.cancel();
    return true;
  }
}

function failure(writtenCount: number, firstError: unknown): DbError {
  if (writtenCount > 0) return new DbError('write_failed', 'partial write');
  // What no owner could take for a reason of the points' own is told as it is.
  const isTold = (['field_type_conflict', 'partial_write', 'lease_lost'] as const).some((code) => isDbError(firstError, code)); // prettier-ignore
  if (isTold) return firstError as DbError;
  return new DbError('write_failed', `write failed: ${errorText(firstError)}`, {
    cause: firstError,
  });
}

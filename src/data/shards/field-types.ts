/**
 * Decides the type of a new field once per shard, whichever nodes meet it at the same moment (decision 0017): the shard's
 * lead, its first owner in the catalog, decides, and the other owners ask it before they write the first batch with the
 * field. So two coordinators that bring one field with two types leave one type on all owners.
 *
 * Invariants:
 * - batches of a shard reach the engine in the order in which they came, also while one waits for an answer;
 * - what is known is not asked again: a steady workload asks nothing;
 * - nothing is known that this node may not have: what a delete may have taken, or came with a batch that was not taken, is asked anew;
 * - of a batch that comes once more, or that a later delete may have struck, nothing is asked: the lead would keep types that no point shows;
 * - while the lead cannot be asked an owner decides for itself, as if it were alone: a write is not refused for it. What two
 *   sides of a partition decide differently is for anti-entropy. A lead that answers, and cannot decide for one shard, is asked for its others.
 *
 * Not here: what follows for a batch whose type is another one (storage/engine/limits/field-check.ts).
 */
import { decodePointBatch } from '../../models/point-batch.ts';
import { haveLongTexts } from '../../storage/engine/limits/text-length.ts';
import { isAway } from './choose-owners.ts';
import type { AccessOptions, BatchOutcome, FieldsOfShard, ShardBatch, TypedBatch, TypedField } from '../engine/shard-access.ts'; // prettier-ignore

export interface FieldTypesPorts {
  readonly write: (batch: TypedBatch) => Promise<BatchOutcome>;
  /** Whether this node has had a batch, or a later delete may have struck points of it. */
  readonly isLate: (batch: ShardBatch) => Promise<boolean>;
  /** The owner that decides; undefined when this node is it, or nobody is known to be. */
  readonly leadOf: (shardId: number) => number | undefined;
  readonly askLead: (
    nodeId: number,
    fields: FieldsOfShard,
    options: AccessOptions,
  ) => Promise<readonly TypedField[]>;
  readonly nowMs: () => number;
  /** The lead could not be asked: this node has decided alone. */
  readonly onAlone: (shardId: number, error: unknown) => void;
}

export interface FieldTypesOptions {
  readonly askDeadlineMs: number;
  /** Fields that are remembered; past it all are forgotten, and asked for again. */
  readonly rememberedMax?: number;
  /** `skip-field-size-validation`: rows of long texts are taken, and decide types. */
  readonly takesLongTexts?: boolean;
}

const rememberedFieldsMax = 200_000;
/** A lead that could not be asked is not asked again for so long: writes do not wait for it each. */
const askPauseMs = 1_000;

export class FieldTypes {
  readonly #ports: FieldTypesPorts;
  readonly #askDeadlineMs: number;
  readonly #rememberedMax: number;
  readonly #takesLongTexts: boolean;
  /** Of shards that others lead: fields whose type they have told. */
  readonly #known = new Map<number, Set<string>>();
  #knownCount = 0;
  /** How often something was forgotten that shards may have no more. */
  #forgotCount = 0;
  /** When a lead may be asked again, by its id, and by that of a shard that is damaged there. */
  readonly #awayUntilMs = new Map<number, number>();
  readonly #refusedUntilMs = new Map<number, number>();
  /** The last batch of a shard that waits, or waits behind one that does. */
  readonly #waiting = new Map<number, Promise<unknown>>();

  constructor(ports: FieldTypesPorts, options: FieldTypesOptions) {
    this.#ports = ports;
    this.#askDeadlineMs = options.askDeadlineMs;
    this.#rememberedMax = options.rememberedMax ?? rememberedFieldsMax;
    this.#takesLongTexts = options.takesLongTexts ?? false;
  }

  /** Hands the batch to the engine, after the lead was asked where that is needed. */
  write(batch: ShardBatch): Promise<BatchOutcome> {
    const { shardId } = batch;
    const lead = this.#leadOf(shardId);
    const before = this.#waiting.get(shardId);
    if (before === undefined && lead === undefined) return this.#ports.write(batch);
    const unknown = lead === undefined ? [] : this.#unknown(batch);
    if (before === undefined && unknown.length === 0) return this.#ports.write(batch);
    const written = Promise.resolve(before)
      // What became of the batch before is told to its own sender.
      .catch(() => undefined)
      .then(async () => {
        // Asked for by the one before, maybe.
        const fields = lead === undefined ? [] : this.#unknown(batch);
        const told = lead === undefined || fields.length === 0 || (await this.#isLate(batch)) ? undefined : await this.#ask(lead, batch, fields); // prettier-ignore
        return {
          outcome: told === undefined ? this.#ports.write(batch) : this.#writeTold(batch, told),
        };
      });
    // The next one waits until this one is handed over, not until it is written.
    const handedOver = written.finally(() => {
      if (this.#waiting.get(shardId) === handedOver) this.#waiting.delete(shardId);
    });
    this.#waiting.set(shardId, handedOver);
    return written.then(({ outcome }) => outcome);
  }

  /** Shards may have fields no more: a type that another lead's answer gave them is none by now. */
  forget(shardIds: readonly number[]): void {
    this.#forgotCount++;
    for (const shardId of shardIds) {
      this.#refusedUntilMs.delete(shardId);
      this.#knownCount -= this.#known.get(shardId)?.size ?? 0;
      this.#known.delete(shardId);
    }
  }

  /** What was not taken leaves no field: the next one would have whatever type it comes with. */
  async #writeTold(batch: ShardBatch, fields: readonly TypedField[]): Promise<BatchOutcome> {
    const outcome = await this.#ports.write({ ...batch, fields });
    const known = this.#known.get(batch.shardId);
    if (outcome.kind !== 'written')
      for (const field of fields) if (known?.delete(nameOf(field)) === true) this.#knownCount--;
    return outcome;
  }

  /** Undefined when there is nobody to ask, for now. */
  #leadOf(shardId: number): number | undefined {
    const lead = this.#ports.leadOf(shardId);
    if (lead === undefined) return undefined;
    const untilMs = Math.max(this.#awayUntilMs.get(lead) ?? 0, this.#refusedUntilMs.get(shardId) ?? 0); // prettier-ignore
    return untilMs > this.#ports.nowMs() ? undefined : lead;
  }

  #unknown({ shardId, payload }: ShardBatch): readonly TypedField[] {
    const known = this.#known.get(shardId);
    return fieldsOf(payload, this.#takesLongTexts).filter(
      (field) => known?.has(nameOf(field)) !== true,
    );
  }

  /** False also where that cannot be told: what is wrong then the write meets as well. */
  async #isLate(batch: ShardBatch): Promise<boolean> {
    try {
      return await this.#ports.isLate(batch);
    } catch {
      return false;
    }
  }

  /** Undefined when the lead could not be asked. */
  async #ask(
    lead: number,
    { shardId, database, retentionPolicy }: ShardBatch,
    fields: readonly TypedField[],
  ): Promise<readonly TypedField[] | undefined> {
    const forgotCount = this.#forgotCount;
    try {
      const request = { shardId, database, retentionPolicy, fields };
      const told = await this.#ports.askLead(lead, request, { deadlineMs: this.#askDeadlineMs });
      if (forgotCount === this.#forgotCount) this.#remember(shardId, told);
      this.#refusedUntilMs.delete(shardId);
      return told;
    } catch (error) {
      const untilMs = this.#ports.nowMs() + askPauseMs;
      if (isAway(error)) this.#awayUntilMs.set(lead, untilMs);
      else this.#refusedUntilMs.set(shardId, untilMs);
      this.#ports.onAlone(shardId, error);
      return undefined;
    }
  }

  #remember(shardId: number, fields: readonly TypedField[]): void {
    if (this.#knownCount + fields.length > this.#rememberedMax) {
      this.#known.clear();
      this.#knownCount = 0;
    }
    const known = this.#known.get(shardId) ?? new Set();
    this.#known.set(shardId, known);
    for (const field of fields) {
      if (known.has(nameOf(field))) continue;
      known.add(nameOf(field));
      this.#knownCount++;
    }
  }
}

const typeNames = ['float', 'integer', 'boolean', 'string', 'unsigned'] as const;

/** Of a batch of points, each once: of two types in one batch the first is asked for. */
function fieldsOf(payload: Uint8Array, takesLongTexts: boolean): readonly TypedField[] {
  const found = new Map<string, TypedField>();
  for (const shape of decodePointBatch(payload).shapes) {
    const { measurement, fields } = shape;
    // Rows that are refused decide nothing.
    if (!takesLongTexts && haveLongTexts(shape)) continue;
    for (const { name, type } of fields) {
      const field = { measurement, name, type: typeNames[type] };
      if (!found.has(nameOf(field))) found.set(nameOf(field), field);
    }
  }
  return [...found.values()];
}

function nameOf({ measurement, name }: TypedField): string {
  return `${measurement.length}:${measurement}${name}`;
}

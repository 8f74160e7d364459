import { groupedBy } from '../../../base/collections/grouped-by.ts';
import { assert } from '../../../base/assert.ts';
import { DbError, isDbError } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Random } from '../../../env/random.ts';
import type { MetaAccess } from '../../../meta/client/meta-access.ts';
import type { Log } from '../../../env/log.ts';
import {
  mergeSchemas,
  sortedNames,
  type MeasurementSchema,
} from '../../../query/compile/schema.ts';
import type { Predicate } from '../../../query/predicate.ts';
import { Pacer } from '../../../query/run/pacer.ts';
import { allowedOf, bounded } from '../../access/series-rules.ts';
import { mergeDescriptions } from '../../engine/lists/describe-shards.ts';
import { requestText } from '../../engine/lists/list-request-text.ts';
import type { PackedRequest } from '../../engine/lists/pack-lists.ts';
import type { PackedList } from '../../engine/lists/packed-list.ts';
import type { ListedMeasurement, ListPiece, ListRequest } from '../../engine/lists/schema-list.ts';
import type { ShardAccess, ShardsDescription } from '../../engine/shard-access.ts';
import { chooseOwners, isAway } from '../../shards/choose-owners.ts';
import { FailedOwners } from '../../shards/failed-owners.ts';
import type { ClusterShards } from '../../shards/cluster-shards.ts';
import { mergeLists } from '../../shards/merge-lists.ts';
import { mergePacked, packedOf } from '../../shards/merge-packed.ts';
import { noteFailure, shardsNow } from '../../shards/moved-shards.ts';
import { NodeFailure, onNode } from '../../shards/node-failure.ts';
import { movedShardOf } from '../../../storage/engine/moved-shard.ts';
import type { Listing } from './known-lists.ts';
import type { LeftOutShards } from './left-out-shards.ts';
import type { SchemaScope } from './schema-scope.ts';
import type { SelectContext } from '../../select/select-context.ts';
import { TextAccount } from './text-account.ts';

export interface SchemaPorts {
  readonly log: Log;
  readonly clock: Clock;
  /** Resolves once others have had their turn. */
  readonly turn: () => Promise<void>;
  readonly random: Random;
  readonly meta: MetaAccess;
  readonly shards: ClusterShards;
}

/** Who waits for an answer, and what hears how it is made. */
export interface SchemaAsking {
  readonly signal: AbortSignal;
  /** Owners that the request has waited for in vain. */
  readonly failedBefore?: FailedOwners | undefined;
  readonly listing?: Pick<Listing, 'chosen' | 'answeredBy'> | undefined;
  /** Hears of shards that the list is without. */
  readonly leftOut?: Pick<LeftOutShards, 'add'> | undefined;
  /** What is restricted for whoever asks; absent where nothing is. */
  readonly rules?: SelectContext['rules'];
}

const askDeadlineMs = 30_000;
/** A list may be silent while it is read; dead peers are found by the transport. */
const listSilenceMs = 3_600_000;

/** A node that owns shards of a scope, with what it said of them. */
interface Participant {
  readonly nodeId: number;
  readonly access: ShardAccess;
  readonly description: ShardsDescription;
  /** Of another node where nothing was asked beforehand: whether it has said since that the description holds. */
  readonly memory?: { isCurrent: boolean } | undefined;
}

interface ReadScope {
  readonly participants: readonly Participant[];
  readonly schemas: readonly MeasurementSchema[];
  /** Which series of a measurement may be read, where not all may. */
  readonly allowed?: ReadonlyMap<string, Predicate> | undefined;
}

/** What a list says of one measurement. */
export interface NamedPiece extends ListPiece {
  readonly name: string;
}

/** Names of measurements by their places, and the parts of their lists. */
export interface PackedRead {
  readonly names: readonly string[];
  readonly parts: AsyncIterable<PackedList>;
}

/** How an attempt goes about it. */
interface SchemaAttempt extends SchemaAsking {
  readonly failed: FailedOwners;
  readonly pacer: Pacer;
  /** Whether what other nodes said before may do, as long as they say that it holds when they are asked for lists. */
  readonly trustsMemory: boolean;
}

/**
 * Runs `read` over one owner of each shard, and again with other owners when a node fails, or when what it had said of its
 * schemas is not so any more: nothing has been given out yet. A shard whose owners are all away is left out, and the log and `leftOut` say so (F58); one that is damaged on its last owner is an
 * error: what it has is there to be mended.
 */
export async function readSchema<T>(
  ports: SchemaPorts,
  scopes: readonly SchemaScope[],
  asking: SchemaAsking,
  read: (reader: SchemaReader) => Promise<T>,
): Promise<T> {
  const { signal, failedBefore: failed = new FailedOwners() } = asking;
  const { clock, turn } = ports;
  const pacer = new Pacer({ clock, turn, signal });
  let trustsMemory = true;
  for (;;) {
    const attempt = { ...asking, failed, pacer, trustsMemory };
    let opened: readonly ReadScope[] = [];
    try {
      opened = await openScopes(ports, scopes, attempt);
      const answer = await read(new SchemaReader(opened, attempt));
      await confirm(opened, attempt);
      return answer;
    } catch (error) {
      if (error instanceof NodeFailure) await noteFailure(error, failed, { ...ports, signal });
      else if (signal.aborted || !trustsMemory || !isOfMemory(error, opened)) throw error;
      else trustsMemory = false;
    }
  }
}

/** One try over one owner of each shard, as far as anybody knows. */
export interface OpenSchema {
  readonly reader: SchemaReader;
  /** To be called before anything that was read is given out. Throws `schema_changed` where it may not be so any more. */
  readonly confirm: () => Promise<void>;
}

/** For whoever gives out what was read before all is: when a node fails there is no other try. */
export async function openSchema(
  ports: SchemaPorts,
  scopes: readonly SchemaScope[],
  asking: SchemaAsking,
): Promise<OpenSchema> {
  const { clock, turn } = ports;
  const pacer = new Pacer({ clock, turn, signal: asking.signal });
  const attempt = { ...asking, failed: new FailedOwners(), pacer, trustsMemory: true };
  const opened = await openScopes(ports, scopes, attempt);
  return { reader: new SchemaReader(opened, attempt), confirm: () => confirm(opened, attempt) };
}

/** Whether an error may be one of schemas that are others by now. */
function isOfMemory(error: unknown, opened: readonly ReadScope[]): boolean {
  return isDbError(error, 'schema_changed') || !opened.every(isCurrent);
}

function isCurrent({ participants }: ReadScope): boolean {
  return participants.every(({ memory }) => memory?.isCurrent !== false);
}

/** Asks those whose lists nobody wanted whether what they said before holds. Throws `schema_changed` where it does not. */
async function confirm(
  opened: readonly ReadScope[],
  { signal, listing }: SchemaAttempt,
): Promise<void> {
  const unsure = opened.flatMap(({ participants }) => participants).filter(({ memory }) => memory?.isCurrent === false); // prettier-ignore
  await Promise.all(
    unsure.map(async ({ nodeId, access, description, memory }) => {
      const marks = await access.marks?.({ deadlineMs: askDeadlineMs, signal });
      if (marks === undefined || marks.schemas !== description.mark || memory === undefined)
        throw new DbError('schema_changed', 'the schemas of a node have changed');
      memory.isCurrent = true;
      listing?.answeredBy(nodeId, marks.lists);
    }),
  );
}

async function openScopes(
  ports: SchemaPorts,
  scopes: readonly SchemaScope[],
  attempt: SchemaAttempt,
): Promise<readonly ReadScope[]> {
  const opened = await Promise.all(scopes.map((scope) => openScope(ports, scope, attempt)));
  return Promise.all(opened.map((scope) => withoutHidden(scope, attempt)));
}

async function openScope(
  { random, meta, shards, log }: SchemaPorts,
  scope: SchemaScope,
  { failed, signal, listing, leftOut, pacer, trustsMemory, rules }: SchemaAttempt,
): Promise<ReadScope> {
  const { missedAt } = shards;
  const leavesOut = (shardId: number, { cause, message }: Error): boolean => {
    // It is on another node, wherever that is: nobody is away.
    if (!isAway(cause) || movedShardOf(cause) !== undefined) return false;
    log.warn('A list is without a shard that nobody answers for', { shard: shardId, error: message }); // prettier-ignore
    leftOut?.add(shardId);
    return true;
  };
  const preference = { localNodeId: meta.nodeId, random, failed, missedAt, leavesOut };
  const owned = failed.hasMoved ? shardsNow(scope.shards, meta.catalog) : scope.shards;
  const chosen = chooseOwners(owned, preference);
  listing?.chosen(owned, chosen);
  const participants = await Promise.all(
    [...chosen].map(([nodeId, shardIds]) =>
      onNode(nodeId, async () => {
        const access = shards.of(nodeId);
        const isRemembered = trustsMemory && nodeId !== meta.nodeId;
        const known = isRemembered ? access.described?.(shardIds, undefined) : undefined;
        if (known !== undefined)
          return { nodeId, access, description: known, memory: { isCurrent: false } };
        const options = { deadlineMs: askDeadlineMs, signal };
        return { nodeId, access, description: await access.describe(shardIds, options) };
      }),
    ),
  );
  const described = participants.map(({ description }) => description.measurements);
  const schemas: MeasurementSchema[] = [];
  const bound = rules?.reads(scope.database);
  const allowed = bound && new Map<string, Predicate>();
  for (const schema of mergeDescriptions(described)) {
    const rest = pacer.rest();
    if (rest !== undefined) await rest;
    if (!scope.isNamed(schema.name)) continue;
    const series = bound === undefined ? 'all' : allowedOf(bound, schema.name);
    if (series === 'none') continue;
    if (series !== 'all') allowed?.set(schema.name, series);
    schemas.push(schema);
  }
  return { participants, schemas, allowed };
}

/** Without the measurements of which none of the series may be read: that they are there is for others to know. */
async function withoutHidden(scope: ReadScope, attempt: SchemaAttempt): Promise<ReadScope> {
  const { allowed, schemas } = scope;
  if (allowed === undefined || allowed.size === 0) return scope;
  const seen = new Set<string>();
  const reader = new SchemaReader([scope], attempt);
  const pieces = reader.list('series', ({ name }) =>
    allowed.has(name) ? { predicate: undefined, textsMax: 1 } : undefined,
  );
  for await (const { name } of pieces) seen.add(name);
  return { ...scope, schemas: schemas.filter(({ name }) => !allowed.has(name) || seen.has(name)) };
}

/** What a reader knows of the attempt that it is of. */
type ReaderAttempt = Pick<SchemaAttempt, 'signal' | 'listing'> & {
  readonly pacer: Pick<Pacer, 'rest'>;
  readonly trustsMemory?: boolean;
};

/** The measurements that a statement names, and lists of what they have. */
export class SchemaReader {
  readonly #scopes: readonly ReadScope[];
  readonly #signal: AbortSignal;
  readonly #attempt: ReaderAttempt;
  readonly #account = new TextAccount();
  #schemas: readonly MeasurementSchema[] | undefined;

  constructor(scopes: readonly ReadScope[], attempt: ReaderAttempt) {
    this.#scopes = scopes;
    this.#signal = attempt.signal;
    this.#attempt = attempt;
  }

  /**
   * To be asked before each name or text that is held against a pattern: a promise where others are to run first. Throws once the
   * statement was killed.
   */
  rest(): Promise<void> | undefined {
    return this.#attempt.pacer.rest();
  }

  /** Whether there are series, or measurements, that whoever asks may not see. */
  get isBound(): boolean {
    return this.#scopes.some(({ allowed }) => allowed !== undefined);
  }

  /** Whether lists come from several scopes, which may have series in common. */
  get isJoined(): boolean {
    return this.#scopes.length > 1;
  }

  /** Without any, nobody is asked, and no condition is looked at. */
  get hasShards(): boolean {
    return this.#scopes.some(({ participants }) => participants.length > 0);
  }

  /** Sorted by name; a measurement of several scopes is one. */
  get schemas(): readonly MeasurementSchema[] {
    const [only, ...others] = this.#scopes;
    if (only !== undefined && others.length === 0) return only.schemas;
    this.#schemas ??= mergeByName(this.#scopes.flatMap(({ schemas }) => schemas));
    return this.#schemas;
  }

  /**
   * Lists in order of measurement, key and text. Of several scopes one follows the other: callers that read as a SELECT
   * does join what they have in common. `choose` gives undefined for a measurement that is passed over. Texts of measurements
   * that are `held` are counted, as whoever asks keeps them.
   */
  async *list(
    of: Exclude<ListRequest['of'], 'whole-sketch'>,
    choose: (schema: MeasurementSchema) => Omit<ListedMeasurement, 'name'> | undefined,
    held: (name: string) => boolean = () => true,
  ): AsyncGenerator<NamedPiece> {
    for (const scope of this.#scopes) {
      const { participants } = scope;
      const measurements = await this.#chosen(scope, choose);
      if (measurements.length === 0) continue;
      const streams = this.#streams(participants, { of, measurements });
      const pieces = of === 'series-sketch' ? eachOf(streams) : mergeLists(streams);
      for await (const piece of pieces) {
        this.#signal.throwIfAborted();
        const name = measurements[piece.at]?.name ?? '';
        if (held(name)) this.#account.add(piece.texts);
        yield { ...piece, name };
      }
    }
  }

  /** The same as bytes, of one scope; `choose` throws what makes the statement one that is answered otherwise. */
  async packed(
    of: PackedRequest['of'],
    choose: (schema: MeasurementSchema) => Omit<ListedMeasurement, 'name'> | undefined,
  ): Promise<PackedRead> {
    const [scope, ...others] = this.#scopes;
    assert(others.length === 0, 'lists of several scopes are joined by rows');
    const measurements = scope === undefined ? [] : await this.#chosen(scope, choose);
    const names = measurements.map(({ name }) => name);
    if (scope === undefined || names.length === 0) return { names, parts: nothing() };
    const streams = this.#packedStreams(scope.participants, { of, measurements });
    return { names, parts: mergePacked(streams) };
  }

  async #chosen(
    { schemas, allowed }: ReadScope,
    choose: (schema: MeasurementSchema) => Omit<ListedMeasurement, 'name'> | undefined,
  ): Promise<readonly ListedMeasurement[]> {
    const measurements: ListedMeasurement[] = [];
    for (const schema of schemas) {
      const rest = this.rest();
      if (rest !== undefined) await rest;
      const chosen = choose(schema);
      if (chosen === undefined) continue;
      const series = allowed?.get(schema.name);
      const predicate = series === undefined ? chosen.predicate : bounded(series, chosen.predicate);
      measurements.push({ name: schema.name, ...chosen, predicate });
    }
    return measurements;
  }

  #packedStreams(
    participants: readonly Participant[],
    request: Omit<PackedRequest, 'shardIds'>,
  ): readonly AsyncIterable<PackedList>[] {
    const options = { deadlineMs: listSilenceMs, signal: this.#signal };
    return participants.flatMap((participant) => {
      const { nodeId, access, description } = participant;
      const packedList = access.packedList?.bind(access);
      if (packedList === undefined) return this.#streams([participant], request).map(packedOf); // prettier-ignore
      return description.lanes.map((shardIds) => {
        const asked = { ...request, shardIds };
        return watched(nodeId, packedList(shardIds, requestText(asked) ?? asked, options));
      });
    });
  }

  /** Packed sketches of all series of the shards, whatever is named of them. */
  async *wholeSketches(): AsyncGenerator<Uint32Array> {
    for (const { participants } of this.#scopes) {
      const pieces = eachOf(this.#streams(participants, { of: 'whole-sketch', measurements: [] }));
      for await (const { sketch } of pieces) {
        this.#signal.throwIfAborted();
        if (sketch !== undefined) yield sketch;
      }
    }
  }

  #streams(
    participants: readonly Participant[],
    request: Omit<ListRequest, 'shardIds'>,
  ): readonly AsyncGenerator<readonly ListPiece[]>[] {
    const { trustsMemory = false, listing } = this.#attempt;
    const options = { deadlineMs: listSilenceMs, signal: this.#signal };
    return participants.flatMap(({ nodeId, access, description, memory }) => {
      // Where it is asked for only to be described anew, nobody knows what its lists would be kept for.
      const { mark } = description;
      const heard = (lists: string): void => {
        if (memory !== undefined) memory.isCurrent = true;
        listing?.answeredBy(nodeId, lists);
      };
      const asked = trustsMemory && mark !== undefined ? { ...options, describedAt: mark, heard } : options; // prettier-ignore
      return description.lanes.map((shardIds) =>
        watched(nodeId, access.list({ ...request, shardIds }, asked)),
      );
    });
  }
}

function mergeByName(schemas: readonly MeasurementSchema[]): readonly MeasurementSchema[] {
  const byName = groupedBy(schemas, ({ name }) => name);
  return sortedNames(byName.keys()).map((name) => mergeSchemas(name, byName.get(name) ?? []));
}

async function* nothing(): AsyncGenerator<PackedList> {
  // Nobody is asked.
}

/** A stream whose failures name the node. */
async function* watched<T>(nodeId: number, stream: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await onNode(nodeId, () => iterator.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** One stream behind the other; all are asked at once for their first batch. */
async function* eachOf(
  streams: readonly AsyncGenerator<readonly ListPiece[]>[],
): AsyncGenerator<ListPiece> {
  const firsts = streams.map((stream) => stream.next());
  // What the others fail with is told when their turn comes.
  for (const first of firsts) first.catch(() => undefined);
  try {
    for (const [i, stream] of streams.entries()) {
      const first = await firsts[i];
      if (first?.done !== false) continue;
      yield* first.value;
      for await (const batch of stream) yield* batch;
    }
  } finally {
    // One that is still asked ends behind its answer.
    for (const stream of streams) stream.return(undefined).catch(() => undefined);
  }
}

/**
 * A backup of a cluster: its facts, and one copy of each shard, brought to a store (spec F82, F83).
 *
 * Invariants:
 * - A shard is of one moment, which its manifest names: a snapshot on its node, which writes and compactions do not change.
 * - An owner that fails is left for another, one whose files are damaged as well; a shard that none gives fails the backup. Of one
 *   that no owner has undamaged what is there is taken as it is, and the backup is whole and fails at its end: the rest is not lost for it.
 *   So it is with one that has no owner any more, of which there is nothing.
 * - A shard that has moved meanwhile, as by a plan, is taken where it is now.
 * - The manifest is written last. What a backup that fails has written is removed, the manifest first and its claim on the names
 *   last: others that are begun in the same place meanwhile never write to a name that is removed.
 * - What an owner lacks, as some node knows when the backup begins, is at another: that one is taken, and where all lack something they are
 *   waited for. Where that has no end what there is is taken, and the backup fails at its end; so it is with a shard that a restore has
 *   still to bring.
 * - A manifest that does not read hinders no backup: it is said, and what it named is taken again.
 * - An incremental backup moves nothing of a shard to which nothing was written: the snapshot tells, not a clock. What was taken as it was,
 *   damaged, is tried anew by each.
 */
import { createHash } from 'node:crypto';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import { formatRfc3339 } from '../base/rfc3339.ts';
import type { Clock } from '../env/clock.ts';
import { formatElapsed } from '../influxql/duration.ts';
import type { Catalog } from '../meta/model/catalog.ts';
import { encodeBackupMeta } from './backup-meta.ts';
import { claimNames, type BackupNames } from './backup-names.ts';
import { readBackupSet, type BackupSet } from './backup-set.ts';
import { writeWhole, type BackupStore } from './backup-store.ts';
import { estimateOf, isStale } from './estimate-backup.ts';
import { gzipBlocks, type Compress, type GzipOptions } from './gzip-blocks.ts';
import { encodeManifest, type ManifestShard, type Strategy } from './manifest.ts';
import { inLanes } from '../base/async/in-lanes.ts';
import { sha256Of } from './sha256.ts';
import {
  checkPlan,
  isBehindEverywhere,
  knownFirst,
  planShards,
  type BackupFilter,
  type PlannedShard,
  type ShardCopy,
  type Survey,
} from './shard-plan.ts';
import { writeTar, type ArchivedFile } from './tar.ts';

/** A shard as one node has it at one moment. */
export interface ShardSnapshot {
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
  readonly modifiedNs: bigint;
  read(name: string): AsyncIterable<Uint8Array>;
  release(): Promise<void>;
}

export interface BackupSource {
  catalog(): Promise<Catalog>;
  /** Asks all data nodes. */
  survey(catalog: Catalog): Promise<Survey>;
  /** Undefined where the node has nothing of it. Reading a file of it throws `corrupt` for damage, unless it is wanted as it is. */
  snapshot(
    node: string,
    shardId: number,
    options: { readonly asIs: boolean },
  ): Promise<ShardSnapshot | undefined>;
}

export interface BackupPorts {
  readonly clock: Clock;
  readonly source: BackupSource;
  readonly store: BackupStore;
  readonly compress: Compress;
  readonly out: (text: string) => void;
  /** The user has had enough: what was written is removed, as when a backup fails. */
  readonly interrupt?: AbortSignal | undefined;
  /** How long owners may take that all lack something; two minutes when left out. */
  readonly ownerWithinMs?: number;
}

export interface BackupOptions {
  readonly strategy: Strategy;
  readonly filter: BackupFilter;
  readonly from: string;
  /** Of an incremental backup: a shard written to so soon after the one before is left; undefined leaves none. */
  readonly stalenessNs?: bigint | undefined;
  readonly gzip: GzipOptions;
  readonly isEstimate: boolean;
}

/** More would compete for one disk and one network. */
export const shardsAtOnce = 4;
const ownerWithinMsDefault = 120_000;
const ownerPollMs = 1_000;
const nsPerMs = 1_000_000;
const listName = 'shard.json';

export async function takeBackup(ports: BackupPorts, options: BackupOptions): Promise<void> {
  const { clock, source, store, out } = ports;
  const startMs = clock.monotonicMs();
  const catalog = await source.catalog();
  const shards = await plannedShards(ports, catalog, options);
  const isIncremental = options.strategy === 'incremental';
  if (options.isEstimate) {
    const metaBytes = encodeBackupMeta(catalog).length;
    const known = isIncremental
      ? undamaged(await readBackupSet(store, catalog.clusterId))
      : new Map<number, never>();
    out(estimateOf({ metaBytes, shards, known, stalenessNs: options.stalenessNs }));
    return;
  }
  // Those of a place that takes no more are no reason not to try.
  await store.removeLeftovers().catch((error: unknown) => {
    out(`Leftovers of another backup stay: ${errorText(error)}\n`);
  });
  const before = await readBackupSet(store, catalog.clusterId);
  for (const { name, error } of before.unread) out(`${name} is passed over: ${errorText(error)}\n`);
  const written: string[] = [];
  let lacking: DbError | undefined;
  try {
    out('Backing up meta data... ');
    const meta = encodeBackupMeta(catalog);
    const names = await claimNames(store, Number(clock.wallNs() / BigInt(nsPerMs)), meta);
    written.push(names.meta);
    out(`Done. ${meta.length} bytes transferred\n`);
    const known = isIncremental ? undamaged(before) : new Map<number, never>();
    refuseInterrupted(ports);
    const run = new BackupRun(ports, options, { names, known, written });
    const files = await run.take(shards);
    const { database, retentionPolicy, shardId } = options.filter;
    const manifest = {
      meta: { fileName: names.meta, size: meta.length, sha256: sha256Of(meta) },
      limited: database !== '' || shardId !== 0 || isRange(options.filter),
      files,
      ...(database !== '' && { database }),
      ...(retentionPolicy !== '' && { policy: retentionPolicy }),
      ...(shardId !== 0 && { shard_id: shardId }),
      strategy: options.strategy,
      cluster_id: catalog.clusterId.toString(),
    };
    written.push(names.manifest);
    await writeWhole(store, names.manifest, encodeManifest(manifest));
    const transferred = files.reduce((sum, { size }) => sum + size, meta.length);
    out(`Backed up to ${store.place} in ${formatElapsed(clock.monotonicMs() - startMs)}, transferred ${transferred} bytes\n`); // prettier-ignore
    lacking = run.lacking;
  } catch (error) {
    // No manifest names them; whether they can be removed changes nothing.
    for (const name of written.reverse()) await store.remove(name).catch(() => undefined);
    throw error;
  }
  if (lacking !== undefined) throw lacking;
}

/** What is there of each shard and need not be moved again: a damaged one is, until an owner has it whole, whatever its files are called. */
function undamaged({ shards }: BackupSet): ReadonlyMap<number, ManifestShard> {
  return new Map(Array.from(shards).filter(([, { damaged = false }]) => !damaged));
}

/** Once each has an owner that nobody knows to lack anything, or time is over. */
async function plannedShards(
  { clock, source, out, interrupt, ownerWithinMs = ownerWithinMsDefault }: BackupPorts,
  catalog: Catalog,
  options: BackupOptions,
): Promise<readonly PlannedShard[]> {
  if (options.strategy === 'only-meta') {
    checkPlan(catalog, options);
    return [];
  }
  const endMs = clock.monotonicMs() + ownerWithinMs;
  for (let isFirst = true; ; isFirst = false) {
    const shards = planShards(catalog, await source.survey(catalog), options);
    const behind = shards.filter(isBehindEverywhere).map(({ id }) => id);
    const isOver = behind.length === 0 || options.isEstimate || clock.monotonicMs() >= endMs;
    if (isOver || interrupt?.aborted === true) return shards;
    if (isFirst) out(`Waiting for what the owners of shards ${behind.join()} are to be brought\n`);
    await clock.sleep(ownerPollMs);
  }
}

function isRange({ startNs, endNs }: BackupFilter): boolean {
  return startNs !== undefined || endNs !== undefined;
}

interface RunState {
  readonly names: BackupNames;
  /** What is there of each shard, undamaged. */
  readonly known: ReadonlyMap<number, ManifestShard>;
  readonly written: string[];
}

/** The shards of one backup, several at a time. */
class BackupRun {
  readonly #ports: BackupPorts;
  readonly #options: BackupOptions;
  readonly #state: RunState;
  /** Shards that were taken although they are damaged, */
  readonly #damagedIds: number[] = [];
  /** or although who has them lacks something. */
  readonly #behindIds: number[] = [];
  /** or although a restore has not brought them yet. */
  readonly #awaitedIds: number[] = [];
  /** And those that nobody has. */
  readonly #ownerlessIds: number[] = [];

  constructor(ports: BackupPorts, options: BackupOptions, state: RunState) {
    this.#ports = ports;
    this.#options = options;
    this.#state = state;
  }

  /** What is lacking in what was taken. */
  get lacking(): DbError | undefined {
    const [damaged, behind, awaited] = [this.#damagedIds, this.#behindIds, this.#awaitedIds];
    const ownerless = this.#ownerlessIds;
    const texts = [
      ...(damaged.length > 0 ? [`backed up as they are, since no owner has them undamaged: shards ${damaged.join()}`] : []), // prettier-ignore
      ...(behind.length > 0 ? [`backed up without all that was written to them, which no owner could give: shards ${behind.join()}`] : []), // prettier-ignore
      ...(awaited.length > 0 ? [`backed up without what a restore has still to bring: shards ${awaited.join()}`] : []), // prettier-ignore
      ...(ownerless.length > 0 ? [`backed up without shards that have no owner, until DROP SHARD gives them up: shards ${ownerless.join()}`] : []), // prettier-ignore
    ];
    if (texts.length === 0) return undefined;
    return new DbError(damaged.length > 0 ? 'corrupt' : 'unavailable', texts.join('; '));
  }

  /** In the order of `shards`, without those that are as they were. Throws the first failure, once all is still. */
  async take(shards: readonly PlannedShard[]): Promise<readonly ManifestShard[]> {
    const taken = await inLanes(shards, shardsAtOnce, (shard) => this.#takeShard(shard));
    return taken.filter((file) => file !== undefined);
  }

  /** Undefined for a shard that is as it was, or of which no owner has anything. */
  async #takeShard(shard: PlannedShard): Promise<ManifestShard | undefined> {
    if (shard.isAwaited) this.#awaitedIds.push(shard.id);
    return this.#takeAnywhere(shard);
  }

  async #takeAnywhere(shard: PlannedShard): Promise<ManifestShard | undefined> {
    const { clock, out } = this.#ports;
    const copies = this.#copiesOf(shard);
    if (copies.length === 0) {
      const catalog = await this.#ports.source.catalog();
      if (catalog.databases.shard(shard.id) !== undefined) this.#ownerlessIds.push(shard.id);
      return undefined;
    }
    const failures: unknown[] = [];
    const damaged: ShardCopy[] = [];
    let isEmpty = false;
    for (const copy of copies) {
      const startMs = clock.monotonicMs();
      const line = `Backing up node ${copy.node}, db ${shard.database}, rp ${shard.retentionPolicy}, shard ${shard.id}... `; // prettier-ignore
      try {
        const taken = await this.#takeCopy(shard, { copy, asIs: false });
        if (taken === 'empty') {
          isEmpty = true;
          continue;
        }
        if (copy.isBehind) this.#behindIds.push(shard.id);
        if (taken === 'unchanged') return undefined;
        out(`${line}Done. Backed up in ${formatElapsed(clock.monotonicMs() - startMs)}, ${taken.size} bytes transferred\n`); // prettier-ignore
        return taken;
      } catch (error) {
        refuseInterrupted(this.#ports);
        failures.push(error);
        if (isDbError(error, 'corrupt')) damaged.push(copy);
        out(`${line}Error: ${errorText(error)}\n`);
      }
    }
    // One that has nothing is as good a copy as another, unless it is known that there is something.
    if (isEmpty && copies.every(({ sizeBytes, isHot, isBehind }) => sizeBytes === 0 && !isHot && !isBehind)) return undefined; // prettier-ignore
    const now = await this.#shardNow(shard);
    // Dropped meanwhile, or outlived by its policy.
    if (now === undefined) return undefined;
    if (now.copies.some(({ node }) => !copies.some((copy) => copy.node === node))) return this.#takeAnywhere(now); // prettier-ignore
    if (failures.length === 0) {
      if (isBehindEverywhere(shard)) this.#behindIds.push(shard.id);
      return undefined;
    }
    for (const copy of damaged) {
      const taken = await this.#takeCopy(shard, { copy, asIs: true }).catch(() => undefined);
      if (typeof taken !== 'object') continue;
      out(`Backing up node ${copy.node}, db ${shard.database}, rp ${shard.retentionPolicy}, shard ${shard.id} as it is... Done. ${taken.size} bytes transferred\n`); // prettier-ignore
      this.#damagedIds.push(shard.id);
      return taken;
    }
    const last = failures.at(-1);
    const text = `shard ${shard.id} could not be backed up: ${errorText(last)}`;
    throw new DbError('unavailable', text, { cause: last });
  }

  /** With its owners of now; undefined where it is gone. */
  async #shardNow({ id: shardId }: PlannedShard): Promise<PlannedShard | undefined> {
    const { source } = this.#ports;
    const catalog = await source.catalog();
    if (catalog.databases.shard(shardId) === undefined) return undefined;
    const filter = { database: '', retentionPolicy: '', shardId };
    const [now] = planShards(catalog, await source.survey(catalog), { filter, from: '' });
    return now;
  }

  /** In the order in which they are tried. */
  #copiesOf({ id, copies }: PlannedShard): readonly ShardCopy[] {
    return this.#options.from === '' ? knownFirst(copies, this.#state.known.get(id)?.node) : copies;
  }

  /** `empty`: the node has nothing of it; `unchanged`: what it has is in a backup already. */
  async #takeCopy(
    shard: PlannedShard,
    { copy, asIs }: { readonly copy: ShardCopy; readonly asIs: boolean },
  ): Promise<ManifestShard | 'empty' | 'unchanged'> {
    const { clock, source } = this.#ports;
    refuseInterrupted(this.#ports);
    const known = this.#state.known.get(shard.id);
    if (known !== undefined && isStale(known, copy, this.#options.stalenessNs)) return 'unchanged';
    const momentNs = clock.wallNs();
    const snapshot = await source.snapshot(copy.node, shard.id, { asIs });
    if (snapshot === undefined) return 'empty';
    try {
      const content = await contentOf(snapshot, copy.node);
      if (known?.content === content) return 'unchanged';
      const fileName = this.#state.names.shard(shard.id);
      const archive = await this.#archive(shard, snapshot, fileName);
      return {
        database: shard.database,
        policy: shard.retentionPolicy,
        shardID: shard.id,
        fileName,
        ...archive,
        lastModified: Number(snapshot.modifiedNs),
        node: copy.node,
        moment: formatRfc3339(momentNs),
        content,
        ...(asIs && { damaged: true }),
      };
    } finally {
      // It ends by itself too, where its node is gone.
      await snapshot.release().catch(() => undefined);
    }
  }

  async #archive(
    { id, database, retentionPolicy }: PlannedShard,
    snapshot: ShardSnapshot,
    fileName: string,
  ): Promise<Pick<ManifestShard, 'size' | 'archiveSize' | 'sha256'>> {
    const { store, compress, clock } = this.#ports;
    const modifiedSeconds = Number(clock.wallNs() / 1_000_000_000n);
    const folder = `${database}/${retentionPolicy}/${id}`;
    const [plain, packed] = [new Measured(), new Measured('sha256')];
    const files = writeTar(archivedFiles(snapshot, folder), modifiedSeconds);
    const tar = plain.measure(untilInterrupted(files, this.#ports));
    this.#state.written.push(fileName);
    await store.write(fileName, packed.measure(gzipBlocks(tar, compress, this.#options.gzip)));
    return { size: plain.lengthBytes, archiveSize: packed.lengthBytes, sha256: packed.digest };
  }
}

function refuseInterrupted({ interrupt }: Pick<BackupPorts, 'interrupt'>): void {
  if (interrupt?.aborted === true) throw new DbError('cancelled', 'interrupted');
}

async function* untilInterrupted(
  pieces: AsyncIterable<Uint8Array>,
  ports: Pick<BackupPorts, 'interrupt'>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    refuseInterrupted(ports);
    yield piece;
  }
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* archivedFiles(
  snapshot: ShardSnapshot,
  folder: string,
): AsyncGenerator<ArchivedFile> {
  for (const { name, sizeBytes } of snapshot.files)
    yield { name: `${folder}/${name}`, sizeBytes, content: snapshot.read(name) };
}

/**
 * Tells two states of a shard's points on one node apart: names and lengths of the files that hold them, and their
 * checksums in the list that vouches for them. Names are not given again, and files are not changed. Segments of the index
 * are left out: they follow from those files, and are merged behind when nothing is written.
 */
async function contentOf(snapshot: ShardSnapshot, node: string): Promise<string> {
  const hash = createHash('sha256').update(node);
  for (const { name, sizeBytes } of snapshot.files)
    if (/\.(tsm|tombstone)$/.test(name)) hash.update(`\n${name} ${sizeBytes}`);
  if (snapshot.files.some(({ name }) => name === listName)) {
    const pieces: Uint8Array[] = [];
    for await (const piece of snapshot.read(listName)) pieces.push(piece);
    const list = JSON.parse(Buffer.concat(pieces).toString()) as { readonly files?: unknown };
    hash.update(`\n${JSON.stringify(list.files)}`);
  }
  return hash.digest('hex');
}

/** Looks at a stream as it passes. */
class Measured {
  lengthBytes = 0;
  readonly #hash: ReturnType<typeof createHash> | undefined;

  constructor(algorithm?: 'sha256') {
    this.#hash = algorithm === undefined ? undefined : createHash(algorithm);
  }

  async *measure(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.lengthBytes += piece.length;
      this.#hash?.update(piece);
      yield piece;
    }
  }

  /** Once, at the end. */
  get digest(): string {
    return this.#hash?.digest('hex') ?? '';
  }
}

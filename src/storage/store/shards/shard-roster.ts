/**
 * Which shards this node has, kept apart from the folders of their points: when a folder is gone (a disk that was not
 * mounted) the roster knows that there was one, and for a folder that nobody names it knows which cluster it was made for.
 *
 * `shards-WWW.log`, one for each worker, is lines of CRC-32, space, JSON; of all lines about a shard, in whichever file, the
 * one with the highest `turn` holds.
 *
 * Invariants:
 * - A shard is in the roster before its first record is acknowledged, and until its folder is gone.
 * - A line is whole or passed over; one that failed to be written is followed by a new one. Lines of shards that come to be at
 *   the same time are written and synced together.
 * - A file that cannot be read ends the start: without it a shard whose folder is gone would come to be again, empty.
 * - A file is no longer than twice what it has to say, and 64 lines, when it is opened.
 */
import { crc32 } from 'node:zlib';
import { Mutex } from '../../../base/async/mutex.ts';
import { errorText } from '../../../base/errors.ts';
import type { Disk, DiskFile } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import { makeDurableDir } from '../../../env/make-durable-dir.ts';
import type { ShardPlace } from './open-shards.ts';

export interface RosterOptions {
  readonly folder: string;
  readonly worker: number;
}

interface Entry extends ShardPlace {
  /** Counts what became of the shard: made, deleted, made again. */
  readonly turn: number;
  readonly isHere: boolean;
  /** Of the cluster that it was made for, in hexadecimal; '' when that is not known. */
  readonly clusterId: string;
}

const namePattern = /^shards-\d{3}\.log$/;
const linesMin = 64;

export class ShardRoster {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #entries: Map<number, Entry>;
  readonly #appending = new Mutex();
  /** Those that wait for their turn, which become durable together. */
  #next: { readonly entries: Entry[]; readonly done: Promise<void> } | undefined;
  #file: DiskFile | undefined;
  /** A file that is there may be of a process, or an attempt, that ended before its name was durable. */
  #isNameDurable = false;

  private constructor(disk: Disk, path: string, entries: Map<number, Entry>) {
    this.#disk = disk;
    this.#path = path;
    this.#entries = entries;
  }

  /** Reads what the workers of all runs have written. Throws what the disk says; the log names the file. */
  static async open(
    { disk, log }: { readonly disk: Disk; readonly log: Log },
    { folder, worker }: RosterOptions,
  ): Promise<ShardRoster> {
    await makeDurableDir(disk, folder);
    const own = `shards-${String(worker).padStart(3, '0')}.log`;
    const entries = new Map<number, Entry>();
    let ownLines = 0;
    for (const { name } of await disk.list(folder)) {
      if (!namePattern.test(name)) continue;
      const lines = await readLines({ disk, log }, `${folder}/${name}`);
      if (name === own) ownLines = lines.length;
      for (const line of lines) {
        const known = entries.get(line.shardId);
        if (known === undefined || known.turn <= line.turn) entries.set(line.shardId, line);
      }
    }
    const roster = new ShardRoster(disk, `${folder}/${own}`, entries);
    if (ownLines > 2 * entries.size + linesMin) await roster.#rewrite();
    return roster;
  }

  /** Shards that are here as far as the roster knows, of all workers when it was opened. */
  get places(): readonly ShardPlace[] {
    return [...this.#entries.values()].filter(({ isHere }) => isHere);
  }

  has(shardId: number): boolean {
    return this.#entries.get(shardId)?.isHere === true;
  }

  /** The cluster that the shard was made for; undefined when that is not known. */
  clusterIdOf(shardId: number): bigint | undefined {
    const entry = this.#entries.get(shardId);
    if (entry?.isHere !== true || entry.clusterId === '') return undefined;
    return BigInt(`0x${entry.clusterId}`);
  }

  /** Durable once it resolves. */
  made(
    { shardId, database, retentionPolicy }: ShardPlace,
    clusterId: bigint | undefined,
  ): Promise<void> {
    if (this.has(shardId)) return Promise.resolve();
    const turn = (this.#entries.get(shardId)?.turn ?? 0) + 1;
    const cluster = clusterId === undefined ? '' : clusterId.toString(16);
    return this.#append({
      shardId,
      database,
      retentionPolicy,
      turn,
      isHere: true,
      clusterId: cluster,
    });
  }

  /** Durable once it resolves. Missing is no error. */
  gone(shardId: number): Promise<void> {
    const entry = this.#entries.get(shardId);
    if (entry?.isHere !== true) return Promise.resolve();
    return this.#append({ ...entry, turn: entry.turn + 1, isHere: false });
  }

  async close(): Promise<void> {
    await this.#appending.run(() => this.#closeFile());
  }

  #append(entry: Entry): Promise<void> {
    if (this.#next !== undefined) {
      this.#next.entries.push(entry);
      return this.#next.done;
    }
    const entries = [entry];
    const done = this.#appending.run(() => {
      this.#next = undefined;
      return this.#appendAll(entries);
    });
    this.#next = { entries, done };
    return done;
  }

  async #appendAll(entries: readonly Entry[]): Promise<void> {
    try {
      await this.#openFile();
      // What an earlier failure has left of a line ends here.
      await this.#file?.append([new TextEncoder().encode(`\n${entries.map(encodeLine).join('')}`)]);
      await this.#file?.sync();
    } catch (error) {
      await this.#closeFile();
      throw error;
    }
    for (const entry of entries) this.#entries.set(entry.shardId, entry);
  }

  async #openFile(): Promise<void> {
    if (this.#file !== undefined) return;
    this.#file = await this.#disk.open(this.#path, 'append');
    if (this.#isNameDurable) return;
    await this.#disk.syncDir(this.#path.slice(0, this.#path.lastIndexOf('/')));
    this.#isNameDurable = true;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  /** What is gone stays noted: files of other workers may have the shard still. */
  async #rewrite(): Promise<void> {
    const lines = [...this.#entries.values()].map(encodeLine);
    await this.#disk.replaceFile(this.#path, new TextEncoder().encode(lines.join('')));
  }
}

function encodeLine(entry: Entry): string {
  const { shardId, database, retentionPolicy, turn, isHere, clusterId } = entry;
  const json = JSON.stringify({ shardId, database, retentionPolicy, turn, isHere, clusterId });
  return `${checksum(json)} ${json}\n`;
}

async function readLines(
  { disk, log }: { readonly disk: Disk; readonly log: Log },
  path: string,
): Promise<readonly Entry[]> {
  let bytes: Uint8Array;
  try {
    bytes = await disk.readFile(path);
  } catch (error) {
    // Whoever went on without it would take a shard whose folder is gone for an empty one.
    log.error('The list of shards cannot be read', { path, error: errorText(error) });
    throw error;
  }
  const entries: Entry[] = [];
  let badCount = 0;
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    if (line === '') continue;
    const json = line.slice(9);
    if (line.slice(0, 8) === checksum(json)) entries.push(JSON.parse(json) as Entry);
    else badCount++;
  }
  if (badCount > 0)
    log.warn('Lines of the list of shards are damaged or torn', { path, lines: badCount });
  return entries;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}

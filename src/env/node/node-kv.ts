import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Level } from 'level';
import { DbError, errorText } from '../../base/errors.ts';
import type { KvOpener, KvOperation, KvRange, KvStore } from '../kv.ts';
import { closedName, refuseShortLogs, syncedLogs } from './level/level-ends.ts';
import { findLogDamage } from './level/level-log.ts';
import { NodeDisk } from './node-disk.ts';

/** Stores of classic-level, which locks its folder as long as the process lives. */
export class NodeKvOpener implements KvOpener {
  async open(path: string): Promise<KvStore> {
    // A data node has no such store: its start does not wait for machine code that nobody calls (20 ms).
    const { Level } = await import('level');
    await refuseDamagedLogs(path);
    await notShort(path);
    const database = new Level<string, Uint8Array>(path, {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
    });
    try {
      await database.open();
    } catch (error) {
      throw kvError(path, error);
    }
    return new NodeKvStore(path, database);
  }
}

class NodeKvStore implements KvStore {
  readonly #path: string;
  readonly #database: Level<string, Uint8Array>;

  constructor(path: string, database: Level<string, Uint8Array>) {
    this.#path = path;
    this.#database = database;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#attempt(() => this.#database.get(key));
  }

  /**
   * Synced, also where it need not be: where power is lost while the next batch is written that one may be whole on the disk and what lies
   * before it not. What was not synced looks like damage then, and the store would not open (level/level-log.ts).
   */
  batch(operations: readonly KvOperation[]): Promise<void> {
    return this.#attempt(() =>
      this.#database.batch(
        operations.map((operation) =>
          operation.kind === 'put'
            ? { type: 'put', key: operation.key, value: operation.value }
            : { type: 'del', key: operation.key },
        ),
        { sync: true },
      ),
    );
  }

  range(range: KvRange): Promise<readonly (readonly [key: string, value: Uint8Array])[]> {
    const { gte, lt, reverse = false, limit = -1 } = range;
    return this.#attempt(() => this.#database.iterator({ gte, lt, reverse, limit }).all());
  }

  async close(): Promise<void> {
    await this.#attempt(() => this.#database.close());
    await this.#attempt(() => this.#noteEnds());
  }

  /** For the next opening, which would not miss the end of a log. */
  async #noteEnds(): Promise<void> {
    const text = `${JSON.stringify({ version: 1, logs: await syncedLogs(this.#path) })}\n`;
    await new NodeDisk().replaceFile(join(this.#path, closedName), new TextEncoder().encode(text));
  }

  async #attempt<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw kvError(this.#path, error);
    }
  }
}

/** Throws `corrupt` with the path of the log and the place in it. */
async function refuseDamagedLogs(folder: string): Promise<void> {
  try {
    for (const name of await readdir(folder)) {
      if (!/^\d+\.log$/.test(name)) continue;
      const path = join(folder, name);
      const damagedAt = findLogDamage(await readFile(path));
      if (damagedAt === undefined) continue;
      const what = 'and what was kept since is behind it; it would be lost without a word';
      throw new DbError('corrupt', `${path}: damaged at ${damagedAt}, ${what}`);
    }
  } catch (error) {
    // A store that is to be made.
    if ((error as { readonly code?: unknown }).code === 'ENOENT') return;
    if (error instanceof DbError) throw error;
    throw kvError(folder, error);
  }
}

async function notShort(folder: string): Promise<void> {
  try {
    await refuseShortLogs(folder);
  } catch (error) {
    throw error instanceof DbError ? error : kvError(folder, error);
  }
}

function kvError(path: string, error: unknown): DbError {
  const outer = error as { readonly code?: string; readonly cause?: unknown };
  const inner = (outer.cause ?? error) as { readonly code?: string };
  const text = `${path}: ${errorText(inner)}`;
  if (inner.code === 'LEVEL_LOCKED') {
    return new DbError('conflict', `${path} is locked by another process`, { cause: error });
  }
  if (inner.code === 'LEVEL_CORRUPTION') return new DbError('corrupt', text, { cause: error });
  if (inner.code === 'LEVEL_DATABASE_NOT_OPEN' || inner.code === 'LEVEL_ITERATOR_NOT_OPEN') {
    return new DbError('shutdown', `${path} is closed`, { cause: error });
  }
  const isFull = /no space left|quota exceeded/i.test(text);
  return new DbError(isFull ? 'disk_full' : 'io_error', text, { cause: error });
}

import { compareUtf8 } from '../../../src/base/compare-utf8.ts';
import { DbError } from '../../../src/base/errors.ts';
import type { KvOpener, KvOperation, KvRange, KvStore } from '../../../src/env/kv.ts';
import { below } from '../../../src/env/random.ts';
import type { Life, Loop } from './loop.ts';
import type { SimDrive } from './sim-disk.ts';

type Undo = readonly (readonly [key: string, value: Uint8Array | undefined])[];

/** A store on the drive: the map, and how to take back each batch since the last sync. */
class KvData {
  readonly map = new Map<string, Uint8Array>();
  keys: string[] = [];
  undos: Undo[] = [];
  openBy: Life | undefined;

  apply(operations: readonly KvOperation[], sync: boolean): void {
    const undo: [string, Uint8Array | undefined][] = [];
    for (const operation of operations) {
      undo.push([operation.key, this.map.get(operation.key)]);
      this.#put(operation.key, operation.kind === 'put' ? operation.value.slice() : undefined);
    }
    if (sync) this.undos = [];
    else this.undos.push(undo);
  }

  /** Keeps the first `keptCount` of the unsynced batches. */
  crash(keptCount: number): void {
    for (const undo of this.undos.slice(keptCount).reverse()) {
      for (const [key, value] of undo.toReversed()) this.#put(key, value);
    }
    this.undos = [];
    this.openBy = undefined;
  }

  range({ gte, lt, reverse = false, limit = Infinity }: KvRange): [string, Uint8Array][] {
    const keys = this.keys.slice(this.#position(gte), this.#position(lt));
    if (reverse) keys.reverse();
    return keys
      .slice(0, limit)
      .map((key) => [key, (this.map.get(key) ?? new Uint8Array(0)).slice()]);
  }

  #put(key: string, value: Uint8Array | undefined): void {
    const isThere = this.map.has(key);
    if (value === undefined) {
      if (!isThere) return;
      this.map.delete(key);
      this.keys.splice(this.#position(key), 1);
      return;
    }
    this.map.set(key, value);
    if (!isThere) this.keys.splice(this.#position(key), 0, key);
  }

  /** Index of the first key not before `key`. */
  #position(key: string): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareUtf8(this.keys[middle] ?? '', key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What stores had at a time, by their folders. */
export type KvCopies = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

/** The stores of a machine: outlive its processes. */
export class SimKvDrive {
  readonly #loop: Loop;
  readonly #node: string;
  readonly #drive: SimDrive;
  readonly #stores = new Map<string, KvData>();

  constructor(loop: Loop, node: string, drive: SimDrive) {
    this.#loop = loop;
    this.#node = node;
    this.#drive = drive;
  }

  /** The store of the folder; a new one when the folder is gone. */
  data(path: string): KvData {
    const { tree } = this.#drive;
    const known = this.#stores.get(path);
    if (known !== undefined && tree.find(path) !== undefined) return known;
    tree.makeDir(path);
    const names = path.split('/');
    for (let depth = 0; depth < names.length; depth++) {
      tree.syncDir(names.slice(0, depth).join('/'));
    }
    const data = new KvData();
    this.#stores.set(path, data);
    return data;
  }

  /** As a snapshot of the machine's disk has them. */
  copies(): KvCopies {
    return new Map([...this.#stores].map(([path, { map }]) => [path, new Map(map)]));
  }

  /** To what they had when the copies were made; of a machine that is off. */
  putBack(copies: KvCopies): void {
    for (const [path, data] of this.#stores) {
      const before = copies.get(path) ?? new Map<string, Uint8Array>();
      const gone = [...data.map.keys()].filter((key) => !before.has(key));
      const kept = [...before].map(([key, value]) => ({ kind: 'put', key, value }) as const);
      data.apply([...gone.map((key) => ({ kind: 'delete', key }) as const), ...kept], true);
    }
  }

  crash(): void {
    for (const data of this.#stores.values()) {
      const kept = below(this.#drive.random, data.undos.length + 1);
      if (kept < data.undos.length) this.#loop.strike('lost_batch', this.#node);
      data.crash(kept);
    }
  }
}

export class SimKvOpener implements KvOpener {
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #drive: SimDrive;
  readonly #stores: SimKvDrive;

  constructor(loop: Loop, life: Life, drives: { disk: SimDrive; kv: SimKvDrive }) {
    this.#loop = loop;
    this.#life = life;
    this.#drive = drives.disk;
    this.#stores = drives.kv;
  }

  open(path: string): Promise<KvStore> {
    return this.#loop.later(this.#life, this.#drive.delayMs(1), () => {
      const data = this.#stores.data(path);
      if (data.openBy?.alive === true) {
        throw new DbError('conflict', `${path} is locked by another process`);
      }
      data.openBy = this.#life;
      const { node } = this.#life;
      return new SimKvStore(
        path,
        data,
        (baseMs, make) =>
          this.#loop.later(this.#life, this.#drive.delayMs(baseMs), () => {
            this.#drive.checkFault(path);
            const made = make();
            this.#drive.counted();
            return made;
          }),
        (line) => {
          this.#loop.note(`kv ${node} ${path} ${line}`);
        },
      );
    });
  }
}

class SimKvStore implements KvStore {
  readonly #path: string;
  readonly #data: KvData;
  readonly #later: <T>(baseMs: number, make: () => T) => Promise<T>;
  readonly #note: (line: string) => void;
  #isClosed = false;

  constructor(
    path: string,
    data: KvData,
    later: <T>(baseMs: number, make: () => T) => Promise<T>,
    note: (line: string) => void,
  ) {
    this.#path = path;
    this.#data = data;
    this.#later = later;
    this.#note = note;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#do(0.02, () => this.#data.map.get(key)?.slice());
  }

  batch(operations: readonly KvOperation[], options: { readonly sync: boolean }): Promise<void> {
    const { sync } = options;
    return this.#do(sync ? 1 : 0.02, () => {
      this.#data.apply(operations, sync);
      this.#note(`batch ${operations.length}${sync ? ' sync' : ''}`);
    });
  }

  range(range: KvRange): Promise<readonly (readonly [key: string, value: Uint8Array])[]> {
    return this.#do(0.05, () => this.#data.range(range));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#do(0.1, () => undefined);
    this.#isClosed = true;
    this.#data.openBy = undefined;
  }

  async #do<T>(baseMs: number, make: () => T): Promise<T> {
    if (this.#isClosed) throw new DbError('shutdown', `${this.#path} is closed`);
    return this.#later(baseMs, make);
  }
}

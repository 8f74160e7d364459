import { DbError } from '../../../src/base/errors.ts';
import { below } from '../../../src/env/random.ts';
import { type CrashOptions, SimInode } from './sim-inode.ts';

type Entry = SimInode | SimDir;

export class SimDir {
  entries = new Map<string, Entry>();
  /** What a power loss leaves. */
  readonly durable = new Map<string, Entry>();
}

interface Change {
  readonly dir: SimDir;
  readonly name: string;
  /** Undefined removes the name. */
  readonly entry: Entry | undefined;
}

/**
 * Folders of a simulated drive. A name operation is a group of changes that survive a crash together; it is durable
 * once a folder it touched is synced, together with earlier operations on the same folders. Of the others a crash keeps
 * the first so many.
 */
export class SimTree {
  readonly #root = new SimDir();
  #pending: (readonly Change[])[] = [];

  find(path: string): Entry | undefined {
    const names = split(path);
    return this.#walk(names, names.length);
  }

  file(path: string): SimInode {
    const entry = this.find(path);
    if (entry === undefined) throw missing(path);
    if (entry instanceof SimDir) throw new DbError('io_error', `open ${path}: EISDIR`);
    return entry;
  }

  createFile(path: string): SimInode {
    const { dir, name } = this.#place(path);
    const inode = new SimInode();
    this.#change([{ dir, name, entry: inode }]);
    return inode;
  }

  makeDir(path: string): void {
    let dir = this.#root;
    for (const name of split(path)) {
      let entry = dir.entries.get(name);
      if (entry === undefined) {
        entry = new SimDir();
        this.#change([{ dir, name, entry }]);
      }
      if (!(entry instanceof SimDir)) throw new DbError('already_exists', `mkdir ${path}: EEXIST`);
      dir = entry;
    }
  }

  rename(from: string, to: string): void {
    const source = this.#place(from);
    const entry = source.dir.entries.get(source.name);
    if (entry === undefined) throw missing(from);
    const target = this.#place(to);
    const old = target.dir.entries.get(target.name);
    if (old === entry) return;
    if (old instanceof SimDir && (!(entry instanceof SimDir) || old.entries.size > 0)) {
      throw new DbError('io_error', `rename ${from}: ENOTEMPTY`);
    }
    this.#change([
      { ...target, entry },
      { ...source, entry: undefined },
    ]);
  }

  link(from: string, to: string): void {
    const inode = this.file(from);
    const { dir, name } = this.#place(to);
    if (dir.entries.has(name)) throw new DbError('already_exists', `link ${to}: EEXIST`);
    this.#change([{ dir, name, entry: inode }]);
  }

  remove(path: string): void {
    const entry = this.find(path);
    if (entry === undefined) return;
    if (entry instanceof SimDir) throw new DbError('io_error', `remove ${path}: EISDIR`);
    this.#change([{ ...this.#place(path), entry: undefined }]);
  }

  /** One operation per name, leaves first: a crash may leave a part. */
  removeTree(path: string): void {
    const entry = this.find(path);
    if (entry === undefined) return;
    if (entry instanceof SimDir) {
      for (const name of [...entry.entries.keys()]) this.removeTree(`${path}/${name}`);
    }
    this.#change([{ ...this.#place(path), entry: undefined }]);
  }

  list(path: string): readonly { readonly name: string; readonly isDirectory: boolean }[] {
    const dir = this.find(path);
    if (dir === undefined) return [];
    if (!(dir instanceof SimDir)) throw new DbError('io_error', `list ${path}: ENOTDIR`);
    return [...dir.entries]
      .map(([name, entry]) => ({ name, isDirectory: entry instanceof SimDir }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  syncDir(path: string): void {
    const dir = this.find(path);
    if (dir === undefined) throw missing(path);
    if (!(dir instanceof SimDir)) throw new DbError('io_error', `fsync ${path}: ENOTDIR`);
    const touched = new Set([dir]);
    const due = new Set<readonly Change[]>();
    for (const group of this.#pending.toReversed()) {
      if (!group.some((change) => touched.has(change.dir))) continue;
      due.add(group);
      for (const change of group) touched.add(change.dir);
    }
    for (const group of this.#pending) if (due.has(group)) makeDurable(group);
    this.#pending = this.#pending.filter((group) => !due.has(group));
  }

  usedBytes(): number {
    let sum = 0;
    for (const inode of this.inodes()) sum += inode.length;
    return sum;
  }

  /** Every file once, however many names it has, in a fixed order. */
  inodes(path = ''): ReadonlySet<SimInode> {
    const found = new Set<SimInode>();
    const visit = (entry: Entry | undefined): void => {
      if (entry instanceof SimDir) for (const child of entry.entries.values()) visit(child);
      else if (entry !== undefined) found.add(entry);
    };
    visit(this.find(path));
    return found;
  }

  crash(options: CrashOptions): void {
    const keptCount = below(options.random, this.#pending.length + 1);
    if (keptCount < this.#pending.length) options.strike('lost_name');
    for (const group of this.#pending.slice(0, keptCount)) makeDurable(group);
    this.#pending = [];
    const restore = (dir: SimDir): void => {
      dir.entries = new Map(dir.durable);
      for (const entry of dir.entries.values()) if (entry instanceof SimDir) restore(entry);
    };
    restore(this.#root);
    for (const inode of this.inodes()) inode.crash(options);
  }

  #walk(names: readonly string[], depth: number): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (let i = 0; i < depth; i++) {
      if (!(entry instanceof SimDir)) return undefined;
      entry = entry.entries.get(names[i] ?? '');
    }
    return entry;
  }

  #place(path: string): { readonly dir: SimDir; readonly name: string } {
    const names = split(path);
    const name = names.at(-1);
    if (name === undefined) throw new DbError('io_error', `${path}: EBUSY`);
    const dir = this.#walk(names, names.length - 1);
    if (!(dir instanceof SimDir)) throw missing(path);
    return { dir, name };
  }

  #change(group: readonly Change[]): void {
    for (const { dir, name, entry } of group) set(dir.entries, name, entry);
    this.#pending.push(group);
  }
}

function makeDurable(group: readonly Change[]): void {
  for (const { dir, name, entry } of group) set(dir.durable, name, entry);
}

function set(entries: Map<string, Entry>, name: string, entry: Entry | undefined): void {
  if (entry === undefined) entries.delete(name);
  else entries.set(name, entry);
}

function missing(path: string): DbError {
  return new DbError('not_found', `open ${path}: ENOENT`);
}

/** What paths are split into: a run names the same ones over and over. */
const splits = new Map<string, readonly string[]>();
const splitsMax = 20_000;

function split(path: string): readonly string[] {
  const known = splits.get(path);
  if (known !== undefined) return known;
  const names = splitAnew(path);
  if (splits.size >= splitsMax) splits.clear();
  splits.set(path, names);
  return names;
}

function splitAnew(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return names;
}

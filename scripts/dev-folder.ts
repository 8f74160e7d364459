/** The folder of a development cluster: held by one launcher at a time, kept between runs. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isDbError } from '../src/base/errors.ts';
import { lockFile } from '../src/env/node/node-lock.ts';
import { configOf, type ClusterNode, type ClusterShape, type DevLicense } from './dev-nodes.ts';

const root = resolve(import.meta.dirname, '..');
const shapeVersion = 1;

interface KeptCluster extends ClusterShape {
  readonly version: number;
  /** Where the folder was: configuration files hold its path. */
  readonly dir: string;
}

/** What was asked for on the command line. */
export type AskedShape = { readonly [K in keyof ClusterShape]: number | undefined };

const fallback: ClusterShape = { metas: 3, data: 2, passive: 0, portOffset: 0 };

export class DevFolder {
  readonly dir: string;
  readonly #kept: KeptCluster | undefined;

  private constructor(dir: string, kept: KeptCluster | undefined) {
    this.dir = dir;
    this.#kept = kept;
  }

  /** Throws when another launcher has it. With `isFresh`, what it holds does not count. */
  static async open(dir: string, isFresh: boolean): Promise<DevFolder> {
    makeFolder(dir);
    try {
      await lockFile(join(dir, '.lock'));
    } catch (error) {
      if (!isDbError(error, 'conflict')) throw unusable(dir, error);
      throw new Error(`${dir} is in use by another launcher: stop it, or use --dir`, { cause: error }); // prettier-ignore
    }
    const path = join(dir, 'cluster.json');
    const hasKept = !isFresh && existsSync(path);
    const kept = hasKept ? (JSON.parse(readFileSync(path, 'utf8')) as KeptCluster) : undefined;
    if (kept !== undefined && kept.version !== shapeVersion)
      throw new Error(`${path} is of another version: use --fresh, or --dir`);
    return new DevFolder(dir, kept);
  }

  /** What was asked for, else what is kept. Throws when a kept cluster could not be that. */
  shape(asked: AskedShape): ClusterShape {
    const kept = this.#kept;
    const { metas, data, passive, portOffset } = { ...fallback, ...kept };
    const shape = {
      metas: asked.metas ?? metas,
      data: asked.data ?? data,
      passive: asked.passive ?? passive,
      portOffset: asked.portOffset ?? portOffset,
    };
    if (kept === undefined) return shape;
    const holds = `${this.dir} holds a cluster of ${metas} metas and ${data}${passive > 0 ? ` + ${passive}` : ''} data nodes at --port-offset ${portOffset}`;
    const ways = 'leave the option out, use --fresh to forget it, or --dir for another one';
    if (shape.portOffset !== portOffset)
      throw new Error(`${holds}: its nodes know each other by their ports; ${ways}`);
    if (passive > 0 && shape.data !== data)
      throw new Error(`${holds}: its passive nodes come after the others; ${ways}`);
    if (shape.metas < metas || shape.data < data || shape.passive < passive)
      throw new Error(`${holds}: fewer nodes would leave out members of it; ${ways}`);
    return shape;
  }

  /** Forgets what the folder held. Only what a launcher has made is removed, whatever folder --dir names. */
  clear(): void {
    for (const name of readdirSync(this.dir))
      if (/^((meta|data)-\d+|license|secret|cluster\.json)$/.test(name))
        rmSync(join(this.dir, name), { recursive: true });
  }

  /** Makes folders and configuration files; one that is there stays as it is, unless the folder has moved. */
  prepare(shape: ClusterShape, nodes: readonly ClusterNode[]): void {
    const license = issueLicense(this.dir, nodes.length);
    const secret = keptSecret(this.dir, this.#kept === undefined);
    const hasMoved = this.#kept !== undefined && this.#kept.dir !== this.dir;
    for (const node of nodes) {
      mkdirSync(node.folder, { recursive: true });
      if (hasMoved || !existsSync(node.configPath))
        writeFileSync(node.configPath, configOf(node, { license, secret }), { mode: 0o600 });
    }
    const kept: KeptCluster = { version: shapeVersion, dir: this.dir, ...shape };
    writeFileSync(join(this.dir, 'cluster.json'), `${JSON.stringify(kept, null, 2)}\n`);
  }
}

/**
 * What the nodes of the cluster know each other by, made once. A cluster of a launcher that made none keeps none: its
 * configuration files stay as they are, and nodes with a secret would not take part with those without.
 */
function keptSecret(dir: string, isNew: boolean): string {
  const path = join(dir, 'secret');
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  if (!isNew) return '';
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(path, `${secret}\n`, { mode: 0o600 });
  return secret;
}

/** Throws when it cannot be a folder to work in. */
function makeFolder(dir: string): void {
  try {
    makeFolders(dir);
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    const lock = statSync(join(dir, '.lock'), { throwIfNoEntry: false });
    // A pipe would be waited for.
    if (lock !== undefined && !lock.isFile()) throw new Error('.lock in it is not a file');
  } catch (error) {
    throw unusable(dir, error);
  }
}

/** One after the other: Node's own way tries for ever where no folder can be made, as under /proc. */
function makeFolders(dir: string): void {
  if (statSync(dir, { throwIfNoEntry: false }) !== undefined) {
    readdirSync(dir);
    return;
  }
  makeFolders(dirname(dir));
  mkdirSync(dir);
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  EEXIST: 'it is not a folder, or not in one',
  ENOTDIR: 'it is not a folder, or not in one',
  ENOENT: 'there is no place for it',
  ENAMETOOLONG: 'its name is too long',
  ENOSPC: 'the disk is full',
};

function unusable(dir: string, cause: unknown): Error {
  const inner = cause instanceof Error && isErrno(cause.cause) ? cause.cause : cause;
  const known = isErrno(inner) ? reasons[inner.code ?? ''] : undefined;
  const why = known ?? (cause instanceof Error ? cause.message : String(cause));
  return new Error(`--dir ${dir} cannot be used: ${why}`, { cause });
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}

/** A licence by a key of its own; issued at each start, so that it is never a stale one. */
function issueLicense(dir: string, nodeCount: number): DevLicense {
  const folder = join(dir, 'license');
  const key = join(folder, 'key');
  const publicKey = join(folder, 'key.pub');
  const path = join(folder, 'license.json');
  mkdirSync(folder, { recursive: true });
  const run = (...args: string[]): void => {
    const done = spawnSync(join(root, 'bin/influxd-license'), args, { encoding: 'utf8' });
    if (done.status !== 0)
      throw new Error(`influxd-license: ${done.error?.message ?? done.stderr.trimEnd()}`);
  };
  if (!existsSync(key)) run('keygen', '--private-key', key, '--public-key', publicKey);
  const limits = ['--data-nodes', `${Math.max(10, nodeCount)}`, '--cores', `${availableParallelism()}`]; // prettier-ignore
  run('issue', '--private-key', key, '--out', path, '--days', '365', ...limits);
  return { path, publicKey };
}

/**
 * Where `npm run operations` takes place: a cluster, who is busy with which of its nodes, what clients know, and what was seen to be wrong. Three
 * meta and four data nodes of which the last is passive; database `d` keeps each day on two nodes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '../../src/base/prng.ts';
import { below } from '../../src/env/random.ts';
import { query, type Answer } from '../hostile/ask.ts';
import type { DevCluster, Ran } from '../support/dev-cluster.ts';
import { eventually } from '../support/dev-cluster.ts';
import type { MovingCluster } from '../support/moving-cluster.ts';
import { Ledger } from './ledger.ts';

export const database = 'd';
export const metaNumbers = [1, 2, 3];
/** Data nodes that own shards. */
export const ownerNumbers = [1, 2, 3];
export const passiveNumber = 4;
const upMsMax = 90_000;
const quickMs = 5_000;
/** A node that was told to stop ends itself within 30 s. */
const endMsMax = 40_000;
const endPollMs = 50;
const askMsMax = 60_000;
const errorMax = 160;
/** What no user should read. */
const bugPattern =
  /Cannot |undefined|is not a function|not iterable|ArrayBuffer|Maximum call|Invariant|\[object /;
export const admin = { name: 'root', password: 'changeme' };

export interface ShownShard {
  readonly id: number;
  readonly database: string;
  readonly policy: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly owners: readonly number[];
}

export interface Row {
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

export interface SceneOptions {
  readonly moving: MovingCluster;
  readonly offset: number;
  readonly random: Prng;
  readonly hasUsers: boolean;
}

export class Scene {
  readonly moving: MovingCluster;
  readonly cluster: DevCluster;
  readonly ledger = new Ledger();
  readonly hasUsers: boolean;
  /** What must not be, in words. */
  readonly faults: string[] = [];
  /** What commands, writes and queries were refused with, and how often. */
  readonly refusals = new Map<string, number>();
  /** To be looked at once all is well. Throws while it is not so. */
  readonly promises: { readonly text: string; readonly check: () => Promise<void> }[] = [];
  /** To be undone behind a round, best effort. */
  readonly leftovers: (() => Promise<unknown>)[] = [];
  readonly helpers = new Set<ChildProcess>();
  /** A disk, or an owner, was taken away in this round. */
  hasLost = false;
  readonly #random: Prng;
  readonly #offset: number;
  readonly #busy = new Map<string, Promise<unknown>>();
  #nameCount = 0;

  constructor({ moving, offset, random, hasUsers }: SceneOptions) {
    this.moving = moving;
    this.cluster = moving.cluster;
    this.hasUsers = hasUsers;
    this.#random = random;
    this.#offset = offset;
  }

  below(bound: number): number {
    return below(this.#random, bound);
  }

  pick<T>(list: readonly T[]): T {
    const one = list[this.below(list.length)];
    if (one === undefined) throw new Error('there is none to pick');
    return one;
  }

  pause(msMin: number, msMax = msMin): Promise<void> {
    const ms = msMin + this.below(Math.max(1, msMax - msMin));
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** A name that nothing had yet. */
  name(prefix: string): string {
    return `${prefix}_${++this.#nameCount}`;
  }

  fault(text: string): void {
    this.faults.push(text);
    this.print(`FAULT ${text}`);
  }

  print(text: string): void {
    process.stdout.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`);
  }

  refused(what: string, text: string): void {
    if (bugPattern.test(text)) this.fault(`${what}: ${text.trim()}`);
    const known = `${what}: ${text.trim().replaceAll(/\d+/g, 'N').slice(0, errorMax)}`;
    this.refusals.set(known, (this.refusals.get(known) ?? 0) + 1);
  }

  /** One at a time for each node, or whatever else has a name; others wait. */
  async withNode<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(name) ?? Promise.resolve();
    const mine = before.catch(() => undefined).then(work);
    this.#busy.set(name, mine);
    return mine;
  }

  lose(node: number): void {
    this.hasLost = true;
    this.ledger.lose(node);
  }

  get headers(): Readonly<Record<string, string>> {
    if (!this.hasUsers) return {};
    return headersOf(admin.name, admin.password);
  }

  address(node: number): string {
    return this.moving.address(node);
  }

  metaAddress(node: number, kind: 'http' | 'raft'): string {
    return `127.0.0.1:${(kind === 'http' ? 8091 : 8089) + this.#offset + 100 * (node - 1)}`;
  }

  ask(
    node: number,
    q: string,
    options: { readonly db?: string; readonly nodeId?: number; readonly ms?: number } = {},
  ): Promise<Answer> {
    // prettier-ignore
    const { db = database, nodeId, ms = askMsMax } = options;
    return query(this.cluster.url('data', node), q, { db, nodeId, headers: this.headers, signal: AbortSignal.timeout(ms) }); // prettier-ignore
  }

  /** The series of an answer. Throws an error that it has, and where there is none. */
  async rows(
    node: number,
    q: string,
    options: { readonly db?: string; readonly nodeId?: number } = {},
  ): Promise<readonly Row[]> {
    const { text } = await this.ask(node, q, options);
    const { error, results = [] } = JSON.parse(text) as { error?: string; results?: { error?: string; series?: Row[] }[] }; // prettier-ignore
    const refused = error ?? results.find((result) => result.error !== undefined)?.error;
    if (refused !== undefined) throw new Error(refused);
    return results.flatMap(({ series = [] }) => series);
  }

  /** Whether a statement was answered as done; what it was refused with counts. */
  async says(node: number, q: string, db = database): Promise<boolean> {
    const what = q.split(' ').slice(0, 2).join(' ');
    try {
      const { text } = await this.ask(node, q, { db });
      if (!text.includes('"error"')) return true;
      this.refused(what, text);
    } catch (error) {
      this.refused(what, messageOf(error));
    }
    return false;
  }

  /** '' of a write that was taken, else what it was refused with. */
  async write(
    node: number,
    lines: string,
    level: string,
    { db = database, policy = '', ms = 20_000 } = {},
  ): Promise<string> {
    const url = `${this.cluster.url('data', node)}/write?db=${db}&rp=${policy}&consistency=${level}`;
    try {
      const signal = AbortSignal.timeout(ms);
      const response = await fetch(url, { method: 'POST', body: lines, signal, headers: this.headers }); // prettier-ignore
      const text = await response.text();
      if (response.status === 204) return '';
      this.refused(`write ${level}`, `${response.status} ${text}`);
      return `${response.status} ${text}`.trim();
    } catch (error) {
      this.refused(`write ${level}`, messageOf(error));
      return messageOf(error);
    }
  }

  /** Of a meta node that is a member and answers. */
  async metaUrl(): Promise<string> {
    const from = this.below(metaNumbers.length);
    for (let i = 0; i < metaNumbers.length; i++) {
      const url = this.cluster.url('meta', 1 + ((from + i) % metaNumbers.length));
      const leader = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(quickMs) }).then((answer) => (answer.ok ? answer.text() : ''), () => ''); // prettier-ignore
      if (leader !== '') return url;
    }
    throw new Error('no meta node knows who leads');
  }

  async meta(path: string, method = 'GET'): Promise<unknown> {
    const signal = AbortSignal.timeout(askMsMax);
    const answer = await fetch(`${await this.metaUrl()}${path}`, { method, signal });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return JSON.parse(text) as unknown;
  }

  /** influxd-ctl by any meta node. `leaveMs` kills the program after a while. */
  async ctl(args: readonly string[], leaveMs?: number): Promise<Ran> {
    const { host } = new URL(await this.metaUrl());
    const leaving = leaveMs === undefined ? undefined : AbortSignal.timeout(leaveMs);
    const ran = await this.cluster.ctl(['-bind', host, '-timeout', '30s', ...args], undefined, {}, leaving); // prettier-ignore
    if (ran.code !== 0) this.refused(args[0] ?? '', ran.code === null ? 'killed' : ran.text);
    return ran;
  }

  async shards(of: string = database): Promise<readonly ShownShard[]> {
    const all = (await this.meta('/show-shards')) as {
      id: number;
      database: string;
      'retention-policy': string;
      'start-time': string;
      'end-time': string;
      'truncated-at': string;
      owners: { tcpAddr: string }[];
    }[];
    const numberOf = (address: string): number => this.moving.nodes.find((node) => this.address(node) === address) ?? 0; // prettier-ignore
    return all
      .filter((shard) => shard.database === of)
      .map((shard) => {
        const end = shard['truncated-at'].startsWith('0001') ? shard['end-time'] : shard['truncated-at']; // prettier-ignore
        return {
          id: shard.id,
          database: of,
          policy: shard['retention-policy'],
          startNs: nsOf(shard['start-time']),
          endNs: nsOf(end),
          owners: shard.owners.map(({ tcpAddr }) => numberOf(tcpAddr)),
        };
      });
  }

  /** The ids of data nodes, by number; of members alone. */
  async dataIds(): Promise<ReadonlyMap<number, number>> {
    const { data } = (await this.meta('/show-cluster')) as { data: { id: number; tcpAddr: string }[] | null }; // prettier-ignore
    const numbers = this.moving.nodes.flatMap((node) => (data ?? []).filter(({ tcpAddr }) => tcpAddr === this.address(node)).map(({ id }) => [node, id] as const)); // prettier-ignore
    return new Map(numbers);
  }

  async metaMembers(): Promise<readonly number[]> {
    const { meta } = (await this.meta('/show-cluster')) as { meta: { addr: string }[] | null };
    return metaNumbers.filter((node) => (meta ?? []).some(({ addr }) => addr === this.metaAddress(node, 'http'))); // prettier-ignore
  }

  /** Resolves once a node that was started answers. */
  async up(name: string): Promise<void> {
    const [kind, number] = name.split('-');
    const url = this.cluster.url(kind === 'meta' ? 'meta' : 'data', Number(number));
    await eventually(async () => {
      await (await fetch(`${url}/ping`, { signal: AbortSignal.timeout(quickMs) })).text();
    }, upMsMax);
  }

  /** Resolves once it has ended, whether or not it had by itself; throws after a while. */
  async end(name: string, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (!this.isUp(name)) return;
    process.kill(this.cluster.pid(name), signal);
    const endMs = performance.now() + endMsMax;
    while (this.isUp(name)) {
      if (performance.now() > endMs) throw new Error(`${name} goes on ${endMsMax} ms after a ${signal}`); // prettier-ignore
      await this.pause(endPollMs);
    }
  }

  isUp(name: string): boolean {
    try {
      process.kill(this.cluster.pid(name), 0);
      return true;
    } catch {
      return false;
    }
  }

  async restart(name: string): Promise<void> {
    await this.end(name);
    this.cluster.startByHand(name);
    await this.up(name);
  }

  /** Takes what a node has, but for its configuration. */
  wipe(name: string): void {
    for (const folder of ['meta', 'data', 'wal', 'hh'])
      rmSync(join(this.cluster.dir, name, folder), { recursive: true, force: true });
  }

  /** A program that works on a node for a while; whoever stops the scene ends it. */
  help(command: string, args: readonly string[]): ChildProcess {
    const child = spawn(command, args, { stdio: 'ignore' });
    this.helpers.add(child);
    child.once('exit', () => this.helpers.delete(child));
    child.once('error', () => this.helpers.delete(child));
    return child;
  }
}

export function headersOf(name: string, password: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Of RFC 3339 with any digits of a second. */
function nsOf(text: string): bigint {
  const [, seconds = '', digits = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(text) ?? [];
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(digits.padEnd(9, '0').slice(0, 9));
}

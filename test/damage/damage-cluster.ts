/**
 * Two data nodes with two copies of most that there is: files of each kind, deletes, records that the log alone has, over several runs, and on the
 * second node hints for the first, which was stopped before. What is asked is what a client would see.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const dayNs = 86_400_000_000_000n;
const startMsMax = 20_000;
const both = 'd';
const alone = 'solo';
const days = [0, 1, 2, 3];
const coldKey = 'INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION';

const questions: readonly (readonly [database: string, statement: string])[] = [
  ...days.map((day) => [both, `SELECT v, s FROM m${day} GROUP BY h, k`] as const),
  ...[0, 1, 3].map((day) => [alone, `SELECT v, s FROM m${day} GROUP BY h, k`] as const),
  ...[both, alone].flatMap((database) => ['SHOW SERIES', 'SHOW TAG VALUES WITH KEY = h', 'SHOW FIELD KEYS'].map((q) => [database, q] as const)), // prettier-ignore
  ['', 'SHOW DATABASES'],
  ['', `SHOW RETENTION POLICIES ON ${both}`],
];

export interface Started {
  /** Undefined of a node that runs. */
  readonly exit: number | string | undefined;
  readonly log: string;
}

export class DamageCluster {
  readonly #cluster: DevCluster;
  readonly #saved: string;

  constructor(offset: number) {
    this.#cluster = new DevCluster(offset, '--metas', '1', '--data', '2');
    this.#saved = join(this.#cluster.dir, 'saved');
  }

  get earlier(): string {
    return join(this.#saved, 'earlier-2');
  }

  get whole(): string {
    return join(this.#saved, 'whole-2');
  }

  get folder(): string {
    return this.#folderOf(2);
  }

  /** Answers what the second node says to all questions, while the first one is stopped. */
  async prepare(isKilled: boolean): Promise<readonly string[]> {
    const cluster = this.#cluster;
    await cluster.start({ INFLUXDB_HINTED_HANDOFF_RETRY_MAX_INTERVAL: '1s', [coldKey]: '1s' });
    for (const [database, copies] of [
      [both, 2],
      [alone, 1],
    ] as const)
      // prettier-ignore
      await this.#say(`CREATE DATABASE ${database} WITH REPLICATION ${copies} SHARD DURATION 1d`);
    await this.#write({ from: 0, count: 1_000, days: [0, 1, 2] });
    await this.#write({ from: 0, count: 300, days, database: alone });
    await this.#flushed();
    await this.#write({ from: 2_000, count: 500, days: [0, 1] });
    await this.#flushed();
    for (const database of [both, alone]) {
      await this.#say('DELETE FROM m0 WHERE time >= 100000 AND time < 200000', database);
      await this.#say("DROP SERIES FROM m0 WHERE h = 'h5'", database);
    }
    await this.#restartHot();
    await this.#write({ from: 5_000, count: 200, days: [1, 3] });
    await this.#write({ from: 5_000, count: 100, days: [3], database: alone });
    await this.#stop([1, 2]);
    this.#save('earlier');
    await this.#startBoth();
    await this.#write({ from: 7_000, count: 100, days: [1, 3] });
    await this.#say('DELETE FROM m0 WHERE time >= 300000 AND time < 350000');
    await cluster.stopNode('data-1');
    for (let i = 0; i < 5; i++) await this.#write({ from: 8_000 + 20 * i, count: 20, days, level: i % 2 === 0 ? 'one' : 'any', node: 2 }); // prettier-ignore
    const answers = await this.answers(2);
    if (isKilled) await cluster.kill('data-2');
    else await cluster.stopNode('data-2');
    this.#save('whole');
    return answers;
  }

  /** Names of files of the second node, below its folder. */
  get files(): readonly string[] {
    const entries = readdirSync(this.whole, { recursive: true, withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => relative(this.whole, join(parentPath, name))); // prettier-ignore
    return names.filter((name) => !/\.(lock|conf)$|^influxd\.log$/.test(name)).sort();
  }

  /** Its folder is as it was before anything was damaged. */
  restore(node: number): void {
    rmSync(this.#folderOf(node), { recursive: true });
    cpSync(join(this.#saved, `whole-${node}`), this.#folderOf(node), { recursive: true });
  }

  /** Resolves once the node answers, or has ended. */
  async start(node: number): Promise<Started> {
    const path = join(this.#cluster.dir, `data-${node}.log`);
    const before = existsSync(path) ? statSync(path).size : 0;
    const child = this.#cluster.startByHand(`data-${node}`);
    let exit: number | string | undefined;
    child.once('exit', (code, signal) => {
      exit = code ?? signal ?? 'unknown';
    });
    await eventually(async () => {
      if (exit === undefined) await this.#ask(node, '', 'SHOW DATABASES');
    }, startMsMax);
    return { exit, log: readFileSync(path).subarray(before).toString() };
  }

  async kill(node: number): Promise<void> {
    await this.#cluster.kill(`data-${node}`);
  }

  async answers(node: number): Promise<readonly string[]> {
    const all: string[] = [];
    for (const [database, statement] of questions) all.push(await this.#ask(node, database, statement)); // prettier-ignore
    return all;
  }

  statement(index: number): string {
    return questions[index]?.join(': ') ?? '';
  }

  /** Of the questions only those about points that both nodes have. */
  async heldByBoth(node: number): Promise<readonly string[]> {
    return (await this.answers(node)).slice(0, days.length);
  }

  async stop(): Promise<void> {
    await this.#cluster.stop();
  }

  #folderOf(node: number): string {
    return join(this.#cluster.dir, `data-${node}`);
  }

  #save(name: string): void {
    for (const node of [1, 2]) cpSync(this.#folderOf(node), join(this.#saved, `${name}-${node}`), { recursive: true }); // prettier-ignore
  }

  async #ask(node: number, database: string, q: string): Promise<string> {
    const body = new URLSearchParams({ q, db: database, epoch: 'ns' });
    const answer = await fetch(`${this.#cluster.url('data', node)}/query`, {
      method: 'POST',
      body,
    });
    return answer.text();
  }

  async #say(statement: string, database = both): Promise<void> {
    const said = await this.#cluster.query(1, statement, database);
    if (said.includes('"error"')) throw new Error(`${statement}: ${said}`);
  }

  async #write(points: {
    readonly from: number;
    readonly count: number;
    readonly days: readonly number[];
    readonly database?: string;
    readonly level?: string;
    readonly node?: number;
  }): Promise<void> {
    // prettier-ignore
    const { from, count, database = both, level = 'all', node = 1 } = points;
    for (const day of points.days) {
      const lines = Array.from({ length: count }, (_, i) => {
        const number = from + i;
        return `m${day},h=h${number % 7},k=k${from} v=${number},s="t${(number * 7_919) % 100_003}" ${BigInt(day) * dayNs + BigInt(number) * 1_000n}`;
      });
      await eventually(async () => {
        const said = await this.#cluster.write(node, lines.join('\n'), level, database);
        if (said !== '204') throw new Error(said);
      }, startMsMax);
    }
  }

  /** Resolves once each node has all that it has in files. */
  async #flushed(): Promise<void> {
    for (const node of [1, 2])
      await eventually(async () => {
        const answer = await fetch(`${this.#cluster.url('data', node)}/debug/vars`);
        const all = Object.values((await answer.json()) as Record<string, { readonly name?: string; readonly values?: { readonly memBytes?: number } }>); // prettier-ignore
        const isBusy = all.some(
          ({ name, values }) => name === 'tsm1_cache' && values?.memBytes !== 0,
        );
        if (isBusy) throw new Error('not all is in files');
      }, startMsMax);
  }

  async #restartHot(): Promise<void> {
    await this.#stop([1, 2]);
    this.#cluster.setEnvironment({ [coldKey]: '1h' });
    await this.#startBoth();
  }

  async #startBoth(): Promise<void> {
    for (const node of [1, 2]) await this.start(node);
  }

  async #stop(nodes: readonly number[]): Promise<void> {
    for (const node of nodes) await this.#cluster.stopNode(`data-${node}`);
  }
}

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, type DevCluster } from '../../support/dev-cluster.ts';
import { RandomChoice } from './random-choice.ts';

const database = 'life';
const readyMsMax = 60_000;
const againMax = 20;
/** Of a backup or restore: when a node dies under it. */
const diesMsMax = 1_500;

export interface LifeBackupsOptions {
  readonly dataCount: number;
  readonly seed: number;
  /** After how many changes, as a rule. */
  readonly every: number;
  readonly onDone: (text: string) => void;
  readonly onFault: (text: string) => void;
}

/** What was answered of a database as it was backed up. */
interface Taken {
  readonly manifest: string;
  readonly answers: readonly string[];
}

/**
 * Backups of the database of a life, between its changes, and restores of them under other names, beside it, while data nodes die:
 * a restored database is answered from as the one that was backed up was.
 */
export class LifeBackups {
  readonly #cluster: DevCluster;
  readonly #options: LifeBackupsOptions;
  readonly #random: RandomChoice;
  readonly #place = mkdtempSync(join(tmpdir(), 'varve-backups-'));
  readonly #numbers: readonly number[];
  /** Those of this place that a manifest alone gives back. */
  #whole: Taken[] = [];
  #restoreCount = 0;

  constructor(cluster: DevCluster, options: LifeBackupsOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = new RandomChoice(options.seed, 'backups');
    this.#numbers = Array.from({ length: options.dataCount }, (_, i) => i + 1);
  }

  close(): void {
    rmSync(this.#place, { recursive: true });
  }

  /** After a change that all nodes know of. */
  async afterChange(): Promise<void> {
    if (!this.#random.chance(1 / this.#options.every)) return;
    const before = await this.#answers(1, database);
    if (before.some((text) => text.includes('database not found'))) return;
    const isWhole = this.#random.chance(0.5);
    const taken = await this.#backUp(isWhole, before);
    if (taken === undefined) return;
    if (isWhole) this.#whole.push(taken);
    if (this.#random.chance(0.6)) await this.#restore(taken, this.#place);
    else if (this.#whole.length > 0) {
      const old = this.#random.of(this.#whole);
      await this.#restore(old, join(this.#place, old.manifest));
    }
  }

  async #backUp(isWhole: boolean, answers: readonly string[]): Promise<Taken | undefined> {
    const known = new Set(readdirSync(this.#place));
    const scope = this.#random.chance(0.7) ? ['-db', database] : [];
    const args = ['backup', ...(isWhole ? ['-strategy', 'full'] : []), ...scope, this.#place];
    const { code, text, died } = await this.#underFire(args);
    const [manifest] = readdirSync(this.#place).filter((name) => name.endsWith('.manifest') && !known.has(name)); // prettier-ignore
    this.#options.onDone(`${args.slice(0, -1).join(' ')}${died}: ${code}`);
    if (code === 0 && manifest !== undefined) return { manifest, answers };
    this.#options.onFault(`a backup failed${died}: ${text}`);
    return undefined;
  }

  async #restore({ answers }: Taken, place: string): Promise<void> {
    const name = `restored${++this.#restoreCount}`;
    const isOne = place !== this.#place;
    const args = ['restore', ...(isOne ? ['-full'] : []), '-db', database, '-newdb', name, place];
    for (let attempt = 1; ; attempt++) {
      const { code, text, died } = await this.#underFire(args);
      this.#options.onDone(`${args.slice(0, -1).join(' ')}${died}: ${code}`);
      if (code === 0) break;
      if (attempt === againMax) this.#options.onFault(`a restore fails${died}: ${text}`);
      if (attempt === againMax) return;
    }
    const again = await this.#cluster.ctl(args);
    if (again.code === 0 || !again.text.includes('database already exists')) this.#options.onFault(`a second restore: ${again.code} ${again.text}`); // prettier-ignore
    for (const number of this.#numbers) {
      const restored = await this.#answers(number, name);
      const at = restored.findIndex((text, i) => text !== answers[i]);
      if (at >= 0) this.#options.onFault(`node ${number} after ${args.join(' ')}: ${restored[at]}, and not ${answers[at]}`); // prettier-ignore
    }
    await this.#cluster.query(1, `DROP DATABASE ${name}`);
  }

  /** At times a data node dies under it, and comes back; all answer again at the end. */
  async #underFire(
    args: readonly string[],
  ): Promise<{ readonly code: number | null; readonly text: string; readonly died: string }> {
    // prettier-ignore
    const isDying = this.#random.chance(0.6);
    const number = this.#random.of(this.#numbers);
    const dies = async (): Promise<void> => {
      await pause(this.#random.integer(0, diesMsMax));
      await this.#cluster.kill(`data-${number}`);
      await pause(this.#random.of([0, 0, 2_000]));
      this.#cluster.startByHand(`data-${number}`);
    };
    const [{ code, text }] = await Promise.all([
      this.#cluster.ctl(args),
      isDying ? dies() : undefined,
    ]);
    for (const one of this.#numbers)
      await eventually(() => this.#cluster.values(one, 'SHOW DATABASES'), readyMsMax);
    return { code, text, died: isDying ? ` as data-${number} died` : '' };
  }

  /** What a database is, with its own name left out. */
  async #answers(number: number, name: string): Promise<readonly string[]> {
    const questions = [
      `SELECT * FROM ${name}.a././ GROUP BY *`,
      `SELECT * FROM ${name}.b././ GROUP BY *`,
      `SHOW RETENTION POLICIES ON ${name}`,
      `SHOW SERIES ON ${name}`,
      `SHOW FIELD KEYS ON ${name}`,
      `SHOW TAG VALUES ON ${name} WITH KEY = host`,
    ];
    const answers: string[] = [];
    for (const q of questions) answers.push((await this.#cluster.query(number, q, name)).replaceAll(name, 'NAME')); // prettier-ignore
    return answers;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Clients of `npm run operations` that go on all the while: one writer for each level, over old days and the present one, a reader for each node, and
 * one that deletes in each way there is. Points of all of them are in the ledger.
 */
import { levels, type Level, type Point } from './ledger.ts';
import { database, messageOf, passiveNumber, type Scene } from './scene.ts';

export const dayNs = 86_400_000_000_000n;
/** When the present day begins. */
export const startOfToday = (): bigint => ((BigInt(Date.now()) * 1_000_000n) / dayNs) * dayNs;
/** The present one is the last. */
export const dayCount = 5;
const writeEveryMs = 120;
const readEveryMs = 150;
const deleteEveryMs = 600;
const pointsOfBody = 4;
const doomedOfBody = 6;
const registerCount = 6;
const textLength = 200;
const lateMs = 60_000;
/** What it was, kept short: an answer may have thousands of rows. */
const shownMax = 300;

export class Load {
  readonly #scene: Scene;
  /** Where the first of the days begins. */
  readonly startNs: bigint;
  #isOver = false;
  #running: readonly Promise<void>[] = [];
  answerCount = 0;
  #batchCount = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.startNs = startOfToday() - BigInt(dayCount - 1) * dayNs;
  }

  /** So many points on both owners, so that copies take a while. */
  async fill(bodyCount: number, bodyPoints: number): Promise<void> {
    for (let body = 0; body < bodyCount; body++) {
      const node = 1 + (body % passiveNumber);
      const points = Array.from({ length: bodyPoints }, (_, i) => this.#send('all', node, i % dayCount)); // prettier-ignore
      const refused = await this.#scene.write(node, linesOf(points, 'all'), 'all');
      if (refused !== '') throw new Error(`the first points are refused: ${refused}`);
      this.#scene.ledger.acknowledge(points);
    }
    this.#scene.ledger.settle();
  }

  begin(): void {
    this.#isOver = false;
    const nodes = this.#scene.moving.nodes;
    this.#running = [
      ...levels.map((level) => this.#again(writeEveryMs, () => this.#write(level))),
      ...nodes.map((node) => this.#again(readEveryMs, () => this.#read(node))),
      this.#again(deleteEveryMs, () => this.#delete()),
    ];
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #again(everyMs: number, work: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await work();
      await this.#scene.pause(everyMs);
    }
  }

  /** Of a day; of the present one it is this moment, as what is truncated ends in it. */
  #send(level: Level, node: number, day: number): Point {
    const { ledger } = this.#scene;
    const number = BigInt(ledger.points.length);
    const isToday = day === dayCount - 1;
    const timeNs = isToday ? BigInt(Date.now()) * 1_000_000n + (number % 1_000_000n) : this.startNs + BigInt(day) * dayNs + ((number * 7_919n) % 80_000_000n) * 1_000_000n + (number % 1_000_000n); // prettier-ignore
    return ledger.send(timeNs, level, node);
  }

  async #write(level: Level): Promise<void> {
    const scene = this.#scene;
    const node = scene.pick(scene.moving.nodes);
    const points = Array.from({ length: pointsOfBody }, () => this.#send(level, node, scene.below(dayCount))); // prettier-ignore
    const last = scene.ledger.points.length;
    const register = `r,k=${last % registerCount} v=${last}i ${this.startNs}`;
    const refused = await scene.write(node, `${linesOf(points, level)}\n${register}`, level);
    if (refused === '') scene.ledger.acknowledge(points);
  }

  /** Any one day and level. */
  async #read(node: number): Promise<void> {
    const scene = this.#scene;
    const day = scene.below(dayCount);
    const level = scene.pick(levels);
    const fromNs = this.startNs + BigInt(day) * dayNs;
    const toNs = fromNs + dayNs;
    const askedAt = scene.ledger.tick();
    const startMs = performance.now();
    const said = (text: string): void => {
      scene.fault(`data-${node} answers for day ${day}, level ${level}, after ${Math.round(performance.now() - startMs)} ms: ${text.slice(0, shownMax)}`); // prettier-ignore
    };
    try {
      const rows = await scene.rows(node, `SELECT v FROM p WHERE level = '${level}' AND time >= ${fromNs} AND time < ${toNs}`); // prettier-ignore
      const values = rows.flatMap((row) => row.values.map(([, value]) => Number(value)));
      const fault = scene.ledger.faultOf(values, askedAt, (point) => point.level === level && point.timeNs >= fromNs && point.timeNs < toNs); // prettier-ignore
      this.answerCount++;
      if (fault !== '') said(fault);
    } catch (error) {
      // An error is an answer too; silence is none.
      if (performance.now() - startMs >= lateMs) said(messageOf(error));
      else scene.refused('SELECT', messageOf(error));
    }
  }

  /** Some points of a batch of their own, at `all`, of which a part or all is deleted again by a node that need not be the same. */
  async #delete(): Promise<void> {
    const scene = this.#scene;
    const batch = `b${++this.#batchCount}`;
    const [writing, deleting] = [scene.pick(scene.moving.nodes), scene.pick(scene.moving.nodes)];
    const points = Array.from({ length: doomedOfBody }, () => this.#send('all', writing, scene.below(dayCount))); // prettier-ignore
    if ((await scene.write(writing, linesOf(points, 'all', batch), 'all')) !== '') return;
    scene.ledger.acknowledge(points);
    const way = scene.below(4);
    if (way === 3) return;
    const doomed = way === 0 ? points.slice(0, 2) : points;
    const statement = [
      doomed.map(({ timeNs }) => `DELETE FROM p WHERE batch = '${batch}' AND time = ${timeNs}`).join('; '), // prettier-ignore
      `DELETE FROM p WHERE batch = '${batch}'`,
      `DROP SERIES FROM p WHERE batch = '${batch}'`,
    ][way];
    for (const point of doomed) point.deletedBy = deleting;
    scene.ledger.deleting(doomed);
    if (await scene.says(deleting, statement ?? '')) scene.ledger.deleted(doomed, deleting);
  }
}

export function linesOf(points: readonly Point[], level: string, batch = ''): string {
  const tags = batch === '' ? '' : `,batch=${batch}`;
  return points.map(({ number, timeNs }) => `p,level=${level}${tags} v=${number}i,s="${textOfNumber(number)}" ${timeNs}`).join('\n'); // prettier-ignore
}

/** Of the number alone, and nothing that could be made much smaller. */
export function textOfNumber(number: number): string {
  let text = `${number} `;
  for (let word = number + 1; text.length < textLength;) {
    word = (Math.imul(word, 0x9e3779b1) ^ (word >>> 15)) >>> 0;
    text += word.toString(36);
  }
  return text;
}

/** All that a database has of the points by one node: pinned by its id, it alone answers. */
export async function valuesHeld(
  scene: Scene,
  node: number,
  { db = database, nodeId }: { readonly db?: string; readonly nodeId?: number } = {},
): Promise<readonly number[]> {
  const options = nodeId === undefined ? { db } : { db, nodeId };
  const rows = await scene.rows(node, 'SELECT v, s FROM p', options);
  return rows.flatMap(({ values }) =>
    values.map(([, value, text]) => {
      const number = Number(value);
      if (text !== textOfNumber(number)) scene.fault(`data-${node} has ${number} with the text ${String(text)}`); // prettier-ignore
      return number;
    }),
  );
}

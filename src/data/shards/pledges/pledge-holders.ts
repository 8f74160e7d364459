/**
 * `pledges.json` in a data node's `[meta] dir`: who may hold a pledge of this node, whichever of its runs has given it. JSON: rare,
 * small, and to be read with the eye; `crc32` is of the numbers as they stand there.
 *
 * Invariants:
 * - A node is in the file, durably, before it is given its first pledge: a run that was killed forgets what it gave, and the next
 *   one tells those in the file.
 * - There is no file before a run of this release has waited for whatever was given without one.
 */
import { crc32 } from 'node:zlib';
import { errorText, isDbError } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import { makeDurableDir } from '../../../env/make-durable-dir.ts';

export interface PledgeHoldersPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly disk: Disk;
  readonly log: Log;
}

const name = 'pledges.json';
/** A disk that did not take it is asked again after so long: pledges are asked for all the time. */
const againMs = 10_000;

export class PledgeHolders {
  readonly #ports: PledgeHoldersPorts;
  readonly #folder: string;
  /** Those of earlier runs; undefined where nobody knows. */
  readonly former: ReadonlySet<number> | undefined;
  /** In the file. */
  #durable: ReadonlySet<number>;
  #writing: Promise<void> | undefined;
  #againAtMs = -Infinity;

  private constructor(
    ports: PledgeHoldersPorts,
    folder: string,
    former: ReadonlySet<number> | undefined,
  ) {
    this.#ports = ports;
    this.#folder = folder;
    this.former = former;
    this.#durable = former ?? new Set();
  }

  /** A file that cannot be read, or is none of these, says nothing: as if there were none. */
  static async open(ports: PledgeHoldersPorts, folder: string): Promise<PledgeHolders> {
    const path = `${folder}/${name}`;
    let former: ReadonlySet<number> | undefined;
    try {
      former = decode(new TextDecoder().decode(await ports.disk.readFile(path)));
    } catch (error) {
      if (!isDbError(error)) throw error;
      if (!isDbError(error, 'not_found')) ports.log.warn('Nobody knows who holds pledges of this node', { path, error: errorText(error) }); // prettier-ignore
    }
    return new PledgeHolders(ports, folder, former);
  }

  /** Whether the node may be given one. */
  has(nodeId: number): boolean {
    return this.#durable.has(nodeId);
  }

  /** Resolves once the node may be given one, or the disk has not taken it, which is logged: then it is asked again later. */
  async note(nodeId: number): Promise<void> {
    await this.#writing;
    if (!this.has(nodeId)) await this.#write([...this.#durable, nodeId]);
  }

  /** All that earlier runs gave is over: those that are no nodes of the cluster any more hold nothing. */
  async settle(isNode: (nodeId: number) => boolean): Promise<void> {
    const left = [...this.#durable].filter(isNode);
    if (this.former === undefined || left.length < this.#durable.size) await this.#write(left);
  }

  async #write(nodeIds: readonly number[]): Promise<void> {
    const { clock, log } = this.#ports;
    if (clock.monotonicMs() < this.#againAtMs) return;
    this.#writing ??= this.#replace(nodeIds)
      .catch((error: unknown) => {
        this.#againAtMs = clock.monotonicMs() + againMs;
        log.warn('The list of those who may hold pledges could not be written', { error: errorText(error) }); // prettier-ignore
      })
      .finally(() => {
        this.#writing = undefined;
      });
    await this.#writing;
  }

  async #replace(nodeIds: readonly number[]): Promise<void> {
    const { disk } = this.#ports;
    // What was written before a failure may be there or not: fewer count until one is known to be, from now on.
    this.#durable = new Set([...this.#durable].filter((one) => nodeIds.includes(one)));
    await makeDurableDir(disk, this.#folder);
    await disk.replaceFile(`${this.#folder}/${name}`, new TextEncoder().encode(encode(nodeIds)));
    this.#durable = new Set(nodeIds);
  }
}

function encode(nodeIds: readonly number[]): string {
  const list = nodeIds.join();
  return `{"version":1,"holders":[${list}],"crc32":${crc32(list)}}\n`;
}

/** Undefined for anything else. */
function decode(text: string): ReadonlySet<number> | undefined {
  const [, list] = /^\{"version":1,"holders":\[([\d,]*)\],/.exec(text) ?? [];
  if (list === undefined) return undefined;
  const nodeIds = list === '' ? [] : list.split(',').map(Number);
  return encode(nodeIds) === text ? new Set(nodeIds) : undefined;
}

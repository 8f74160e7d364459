/**
 * Holds a cluster to its promises while it is attacked: each node answers /ping in time, stays within its memory, and is the
 * process that it was.
 */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';

export interface WatchedNode {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

export interface NodeFigures {
  readonly name: string;
  readonly pingMsMax: number;
  readonly pingCount: number;
  readonly rssMiBMax: number;
}

const pingMsLimit = 250;
const rssMiBLimit = 1536;
const everyMs = 50;
/** A ping without an answer counts as this long, and is not waited for any longer. */
const pingGiveUpMs = 30_000;

export class Watch {
  readonly #lanes: readonly Lane[];
  #stopped = false;

  constructor(nodes: readonly WatchedNode[]) {
    this.#lanes = nodes.map((node) => new Lane(node));
  }

  /** Resolves with what was seen once `stop` was called. */
  async run(): Promise<readonly NodeFigures[]> {
    await Promise.all(
      this.#lanes.map(async (lane) => {
        while (!this.#stopped) {
          await lane.look();
          await new Promise((resolve) => setTimeout(resolve, everyMs));
        }
      }),
    );
    return this.#lanes.map((lane) => lane.figures());
  }

  stop(): void {
    this.#stopped = true;
  }
}

class Lane {
  readonly #node: WatchedNode;
  #pingMsMax = 0;
  #pingCount = 0;
  #rssMiBMax = 0;

  constructor(node: WatchedNode) {
    this.#node = node;
  }

  async look(): Promise<void> {
    this.#rssMiBMax = Math.max(this.#rssMiBMax, rssMiBOf(this.#node.pid));
    this.#pingMsMax = Math.max(this.#pingMsMax, await pingMs(this.#node.url));
    this.#pingCount++;
  }

  figures(): NodeFigures {
    const round = (value: number): number => Math.round(value * 10) / 10;
    return {
      name: this.#node.name,
      pingMsMax: round(this.#pingMsMax),
      pingCount: this.#pingCount,
      rssMiBMax: round(this.#rssMiBMax),
    };
  }
}

/** Which promises the figures break, in words; and nodes that are not the processes they were. */
export function brokenPromises(
  nodes: readonly WatchedNode[],
  figures: readonly NodeFigures[],
): readonly string[] {
  const broken: string[] = [];
  for (const { name, pingMsMax, rssMiBMax } of figures) {
    if (pingMsMax > pingMsLimit) broken.push(`${name}: a ping took ${pingMsMax} ms`);
    if (rssMiBMax > rssMiBLimit) broken.push(`${name}: ${rssMiBMax} MiB of memory`);
  }
  for (const { name, pid } of nodes) if (rssMiBOf(pid) === 0) broken.push(`${name} has ended`);
  return broken;
}

/** Resident memory of a process; 0 when it is gone. */
export function rssMiBOf(pid: number): number {
  try {
    const kiB = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kiB ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function pingMs(url: string): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const request = get(`${url}/ping`, { timeout: pingGiveUpMs }, (response) => {
      response.resume();
      response.on('end', () => {
        resolve(performance.now() - startMs);
      });
    });
    const giveUp = (): void => {
      request.destroy();
      resolve(pingGiveUpMs);
    };
    request.on('timeout', giveUp);
    request.on('error', giveUp);
  });
}

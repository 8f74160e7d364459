import { expect, test } from 'vitest';
import type { BlockStream } from '../../query/assemble/merge-groups.ts';
import { fragmentVersion, type Fragment } from '../../query/fragment.ts';
import type { FragmentBlock, RunBatch, ShardAccess } from '../engine/shard-access.ts';
import { NodeFailure } from '../shards/node-failure.ts';
import { DbError } from '../../base/errors.ts';
import { LaneRun } from './parts-run.ts';
import type { Participant } from './select-places.ts';

function fragmentOf(measurement: string): Fragment {
  const task = { kind: 'rows', columns: [], rowsMax: 0 } as const;
  const times = { minTimeNs: 0n, maxTimeNs: 1n, ascending: true };
  return { version: fragmentVersion, measurement, shardIds: [1], groupBy: [], task, ...times };
}

function blockOf(text: string): FragmentBlock {
  return { kind: 'rows', group: [text], timesNs: BigInt64Array.of(1n), columns: [] };
}

const names = ['a', 'b', 'c', 'd'];
/** Blocks of each measurement; b has none. */
const blocks: Readonly<Record<string, readonly string[]>> = { a: ['a1', 'a2', 'a3'], b: [], c: ['c1'], d: ['d1', 'd2'] }; // prettier-ignore

/** A node that answers so many fragments of a run at once, 0 for one of an earlier release. */
class Node4 {
  readonly asked: string[] = [];
  readonly #runMax: number;
  readonly #batchBlocks: number;
  ends = 0;

  constructor(runMax: number, batchBlocks = 2) {
    this.#runMax = runMax;
    this.#batchBlocks = batchBlocks;
  }

  get participant(): Participant {
    const run = (fragments: readonly Fragment[]) => this.#run(fragments.map(({ measurement }) => measurement)); // prettier-ignore
    const access = {
      fragment: (fragment: Fragment) => this.#alone(fragment.measurement),
      fragmentRun: run,
    } as Partial<ShardAccess> as ShardAccess;
    return { nodeId: 4, access, description: { measurements: [], lanes: [[1]] } };
  }

  async *#alone(name: string): AsyncGenerator<readonly FragmentBlock[]> {
    this.asked.push(name);
    try {
      yield await Promise.resolve((blocks[name] ?? []).map(blockOf));
    } finally {
      this.ends++;
    }
  }

  async *#run(all: readonly string[]): AsyncGenerator<RunBatch> {
    this.asked.push(all.join(''));
    try {
      let held: FragmentBlock[] = [];
      let ends: number[] = [];
      for (const name of all.slice(0, Math.max(1, this.#runMax))) {
        for (const text of blocks[name] ?? []) {
          held.push(blockOf(text));
          if (held.length < this.#batchBlocks) continue;
          yield await Promise.resolve({ blocks: held, ends });
          [held, ends] = [[], []];
        }
        if (this.#runMax > 0) ends.push(held.length);
      }
      yield { blocks: held, ends };
    } finally {
      this.ends++;
    }
  }
}

async function read(stream: BlockStream<FragmentBlock>, countMax = 99): Promise<readonly string[]> {
  const texts: string[] = [];
  while (texts.length < countMax) {
    const block = await stream.next();
    if (block === undefined) break;
    texts.push(block.group[0] ?? '');
  }
  return texts;
}

const { signal } = new AbortController();

test.each([
  ['all at once', 4, 2, ['abcd']],
  ['all at once, batch by batch', 4, 1, ['abcd']],
  ['two at a time', 2, 9, ['abcd', 'cd']],
  ['one at a time', 1, 1, ['abcd', 'bcd', 'cd', 'd']],
  ['each by itself, as an earlier release', 0, 2, ['abcd', 'b', 'c', 'd']],
])(
  'parts run: a lane that answers %s gives each its blocks',
  async (_how, runMax, batchBlocks, asked) => {
    const node = new Node4(runMax, batchBlocks);
    const lane = new LaneRun(node.participant, names.map(fragmentOf), signal);
    const all: (readonly string[])[] = [];
    for (const at of names.keys()) all.push(await read(lane.streamOf(at)));
    expect(all).toEqual([['a1', 'a2', 'a3'], [], ['c1'], ['d1', 'd2']]);
    expect(node.asked).toEqual(asked);
    await lane.close();
    expect(node.ends).toBe(node.asked.length);
  },
);

test.each([4, 1, 0])(
  'parts run: what a part leaves unread is passed over (%s at a time)',
  async (runMax) => {
    const node = new Node4(runMax, 1);
    const lane = new LaneRun(node.participant, names.map(fragmentOf), signal);
    expect(await read(lane.streamOf(0), 1)).toEqual(['a1']);
    expect(await read(lane.streamOf(2))).toEqual(['c1']);
    expect(await read(lane.streamOf(0))).toEqual([]);
    expect(await read(lane.streamOf(3), 1)).toEqual(['d1']);
    await lane.close();
    expect(node.ends).toBe(node.asked.length);
  },
);

test('parts run: a node that fails within a run is named', async () => {
  const node = new Node4(4, 1).participant;
  const fragmentRun = async function* (): AsyncGenerator<RunBatch> {
    yield await Promise.resolve({ blocks: [blockOf('a1')], ends: [1] });
    throw new DbError('unavailable', 'it is away');
  };
  const failing = { ...node, access: { ...node.access, fragmentRun } };
  const lane = new LaneRun(failing, names.map(fragmentOf), signal);
  expect(await read(lane.streamOf(0))).toEqual(['a1']);
  await expect(read(lane.streamOf(1))).rejects.toBeInstanceOf(NodeFailure);
});

import { expect, test } from 'vitest';
import type { Env } from '../../../env/env.ts';
import type { Log } from '../../../env/log.ts';
import {
  batchOf,
  doomed,
  kept,
  openStore,
  readField,
} from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { markName } from './damage-mark.ts';
import type { Store } from '../store.ts';

const other = doomed;
const flushed = { ...kept, shardId: 9 };
const short = 'shard 7 is damaged: wal: the last records of the shard are not in the log any more';

const shortSince = short.replace('wal:', `data/db/autogen/7/${markName}: wal:`);

/** Four records of shard 7 and one of shard 8 in several segments, one of shard 9 that is in a file; then the store is closed. */
async function withLog(body: (env: Env, lines: string[]) => Promise<void>): Promise<void> {
  const world = new World(5);
  const { env } = world.addNode('a');
  const work = async () => {
    const store = await openStore(env.disk, env.clock, {
      random: env.random,
      segmentBytesMax: 300,
    });
    await store.write(flushed, batchOf('m v=1 1'));
    await store.flush(9);
    await store.write(other, batchOf('m v=1 1'));
    for (let i = 1; i <= 4; i++) await store.write(kept, batchOf(`m v=${i} ${i}`));
    await store.close();
    await body(env, []);
  };
  await world.complete(work());
}

function stateOf(store: Store, shardId: number): string {
  try {
    return readField(store, 'm', 'v', shardId).map(({ time }) => time).join(); // prettier-ignore
  } catch (error) {
    return (error as Error).message;
  }
}

function logInto(lines: string[]): Log {
  const write = (message: string, fields: unknown) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { info: () => undefined, warn: write, error: write } as unknown as Log;
}

/** What the shards say at a start, and what the log says. */
async function atStart(
  { disk, clock, random }: Env,
  lines: string[] = [],
): Promise<readonly string[]> {
  const store = await openStore(disk, clock, { random, log: logInto(lines) });
  const states = [7, 8, 9].map((id) => stateOf(store, id));
  await store.close();
  return states;
}

async function segmentsIn({ disk }: Env): Promise<readonly string[]> {
  return (await disk.list('wal')).flatMap(({ name }) =>
    name.endsWith('.wal') ? [`wal/${name}`] : [],
  );
}

test.each(['cut to nothing', 'removed'])(
  'store: the last segment of a log that was closed is missed where it was %s, for good and by its shards alone',
  async (how) => {
    await withLog(async (env) => {
      const { disk } = env;
      // The very last has nothing but a vouch for the one before.
      const lost = (await segmentsIn(env)).slice(-2);
      const good = await Promise.all(lost.map(async (path) => [path, await disk.readFile(path)] as const)); // prettier-ignore
      for (const path of lost)
        if (how === 'removed') await disk.remove(path);
        else await disk.replaceFile(path, new Uint8Array());
      const lines: string[] = [];
      for (let start = 0; start < 3; start++)
        expect(await atStart(env, lines)).toEqual([start === 0 ? short : shortSince, '1', '1']);
      expect(lines[how === 'removed' ? 0 : 2]).toContain(
        'Damaged bytes in the write-ahead log {"path":"wal"',
      );
      // Who has found it again removes the mark.
      for (const [path, bytes] of good) await disk.replaceFile(path, bytes);
      await disk.remove(`data/db/autogen/7/${markName}`);
      expect(await atStart(env)).toEqual(['1,2,3,4', '1', '1']);
    });
  },
);

test.each(['cut to nothing', 'cut short', 'removed'])(
  'store: the last segment of a run before the last is missed where it was %s, also by shards that the later run wrote to',
  async (how) => {
    await withLog(async (env) => {
      const { disk, clock, random } = env;
      const earlier = await segmentsIn(env);
      const later = await openStore(disk, clock, { random });
      await later.write(kept, batchOf('m v=5 5'));
      await later.write(other, batchOf('m v=5 5'));
      await later.close();
      // What had nothing but a vouch is gone by itself.
      const lost = (await segmentsIn(env)).filter((path) => earlier.includes(path)).slice(-1);
      for (const path of lost)
        if (how === 'removed') await disk.remove(path);
        else await disk.replaceFile(path, (await disk.readFile(path)).subarray(0, how === 'cut short' ? 100 : 0)); // prettier-ignore
      expect(await atStart(env)).toEqual([short, '1,5', '1']);
      expect(await atStart(env)).toEqual([shortSince, '1,5', '1']);
    });
  },
);

test('store: of a log all of whose segments were cut to nothing each is named, and all shards that it had something of are damaged', async () => {
  await withLog(async (env) => {
    const paths = await segmentsIn(env);
    for (const path of paths) await env.disk.replaceFile(path, new Uint8Array());
    const lines: string[] = [];
    expect(await atStart(env, lines)).toEqual([short, short.replace('7', '8'), '1']);
    for (const path of paths)
      expect(lines).toContainEqual(expect.stringContaining(`A segment of the write-ahead log is empty: if it had records, they are lost {"path":"${path}"`)); // prettier-ignore
  });
});

test('store: what was flushed, deleted or is whole in the log is missed by no start, whatever runs lie between', async () => {
  await withLog(async (env) => {
    const { disk, clock, random } = env;
    for (let start = 0; start < 3; start++)
      expect(await atStart(env)).toEqual(['1,2,3,4', '1', '1']);
    const store = await openStore(disk, clock, { random });
    await store.deleteShard(7);
    await store.write(kept, batchOf('m v=9 9'));
    await store.flush(8);
    await store.close();
    for (let start = 0; start < 2; start++) expect(await atStart(env)).toEqual(['9', '1', '1']);
  });
});

test('store: a shard that nobody opened before the next stop is missed as well', async () => {
  await withLog(async (env) => {
    const { disk, clock, random } = env;
    const between = await openStore(disk, clock, { random, opensBehind: true });
    await between.close();
    for (const path of await segmentsIn(env)) await disk.replaceFile(path, new Uint8Array());
    expect(await atStart(env)).toEqual([short, short.replace('7', '8'), '1']);
  });
});

test('store: a log whose folder is gone or another one keeps the store from opening, until it is back or somebody goes on without it', async () => {
  await withLog(async (env) => {
    const { disk, clock } = env;
    const refused = { code: 'corrupt', message: 'wal: not the write-ahead log that this node has written to: mount its disk, or put the log back; to start without what it has and no file has yet, remove meta/log.json' }; // prettier-ignore
    await disk.rename('wal', 'elsewhere');
    for (let start = 0; start < 2; start++) await expect(openStore(disk, clock)).rejects.toMatchObject(refused); // prettier-ignore
    expect(await disk.list('wal')).toEqual([]);
    await disk.makeDir('wal');
    await disk.replaceFile('wal/log.json', new TextEncoder().encode('{"version":1,"id":"0123456789abcdef"}\n')); // prettier-ignore
    await expect(openStore(disk, clock)).rejects.toMatchObject(refused);
    await disk.removeTree('wal');
    await disk.rename('elsewhere', 'wal');
    expect(await atStart(env)).toEqual(['1,2,3,4', '1', '1']);
    await disk.removeTree('wal');
    await disk.remove('meta/log.json');
    expect(await atStart(env)).toEqual([short, short.replace('7', '8'), '1']);
  });
});

test('store: where no shard has its folder either the log is not missed: they are damaged as they are', async () => {
  await withLog(async (env) => {
    const { disk, clock } = env;
    await disk.removeTree('data');
    await disk.removeTree('wal');
    const gone = (id: number) => `shard ${id} is damaged: data/db/autogen/${id}: the folder of the shard is gone`; // prettier-ignore
    expect(await atStart(env)).toEqual([7, 8, 9].map(gone));
    const store = await openStore(disk, clock);
    await store.write({ ...kept, shardId: 10 }, batchOf('m v=1 1'));
    await store.close();
    expect(await atStart(env)).toEqual([7, 8, 9].map(gone));
    await disk.removeTree('wal');
    await expect(openStore(disk, clock)).rejects.toMatchObject({ code: 'corrupt' });
  });
});

test('store: a damaged name of the folder, and a directory of an earlier release, are given one again', async () => {
  await withLog(async (env) => {
    const { disk, clock } = env;
    const name = await disk.readFile('wal/log.json');
    await disk.replaceFile('wal/log.json', new Uint8Array());
    expect(await atStart(env)).toEqual(['1,2,3,4', '1', '1']);
    expect(await disk.readFile('wal/log.json')).toEqual(name);
    for (const path of ['meta/log.json', 'wal/log.json', 'meta/end-000.json'])
      await disk.remove(path);
    expect(await atStart(env)).toEqual(['1,2,3,4', '1', '1']);
    await disk.removeTree('wal');
    await expect(openStore(disk, clock)).rejects.toMatchObject({ code: 'corrupt' });
  });
});

test('store: shards that the list of shards does not have are named as they are taken in', async () => {
  await withLog(async (env) => {
    await env.disk.replaceFile('meta/shards-000.log', new Uint8Array());
    const lines: string[] = [];
    expect(await atStart(env, lines)).toEqual(['1,2,3,4', '1', '1']);
    expect(lines).toEqual(['Shards were not in the list of shards, and are taken in {"shards":"7,8,9","count":3}']); // prettier-ignore
    const again: string[] = [];
    await atStart(env, again);
    expect(again).toEqual([]);
  });
});

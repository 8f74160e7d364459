/** Damage of each kind to a shard of four series in two files; what a node answers after salvage, and that nothing changes before. */
import { expect, test } from 'vitest';
import { finished } from '../../../../test/support/finished.ts';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { inspect, type Inspected } from '../../../../test/support/inspect-run.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Env } from '../../../env/env.ts';
import { readManifest } from '../../../storage/store/shards/shard-manifest.ts';

const folder = 'data/db/autogen/7';
const [first, second] = [`${folder}/000000001-000000001.tsm`, `${folder}/000000002-000000001.tsm`];

/** `m,h=<a..d> v=<1..4>` at time 10 in the first file, 20 in the second. */
async function withShard(
  body: (env: Env, run: (...flags: readonly string[]) => Promise<Inspected>) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const store = await openStore(env.disk, env.clock);
    for (const time of [10, 20]) {
      const lines = ['a', 'b', 'c', 'd'].map((host, i) => `m,h=${host} v=${i + 1} ${time}`);
      await store.write(kept, batchOf(lines.join('\n')));
      await store.flush(kept.shardId);
    }
    await store.close();
    await body(env, (...flags) =>
      inspect({ ...env, workingFolder: '/w' }, ['salvage', ...flags, folder]),
    );
  };
  await world.complete(work(), 10_000_000);
}

async function damage(disk: Disk, path: string, at: (bytes: Uint8Array) => number): Promise<void> {
  const bytes = (await disk.readFile(path)).slice();
  const offset = at(bytes);
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x10;
  await disk.replaceFile(path, bytes);
}

/** What a node that starts now answers: time and value of each series. */
async function answers({ disk, clock }: Env): Promise<string> {
  const store = await openStore(disk, clock);
  try {
    return readField(store, 'm', 'v')
      .map(({ time, value }) => `${time}:${value}`)
      .join(' ');
  } finally {
    await store.close();
  }
}

const all = '10:1 20:1 10:2 20:2 10:3 20:3 10:4 20:4';

test('salvage: of a sound shard nothing is said or changed', async () => {
  await withShard(async (env, run) => {
    const before = await readManifest(env.disk, folder);
    const { code, out } = await run('-accept-loss');
    expect(out).toBe(`${folder}: 2 files, 8 blocks can be read, 0 cannot, 0 files have lost what nobody knows\n`); // prettier-ignore
    expect(code).toBe(0);
    expect(await readManifest(env.disk, folder)).toEqual(before);
    expect(await answers(env)).toBe(all);
  });
});

test.each(['gone', 'cut to its head'])(
  'salvage: tombstones that are %s are named, and what they had deleted shows again for who accepts it',
  async (how) => {
    await withShard(async (env, run) => {
      const { disk, clock } = env;
      const tombstones = first.replace('.tsm', '.tombstone');
      const store = await openStore(disk, clock);
      await store.deletePoints(kept.shardId, {
        range: { minTimeNs: 10n, maxTimeNs: 10n },
        async *select(view) {
          const seriesIds = finished(view.seriesIdsWith('m', 'h', ['a', 'b', 'c']));
          yield await Promise.resolve({ measurement: 'm', seriesIds });
        },
      });
      await store.close();
      expect(await answers(env)).toBe('20:1 20:2 20:3 10:4 20:4');
      if (how === 'gone') await disk.remove(tombstones);
      else await disk.replaceFile(tombstones, (await disk.readFile(tombstones)).slice(0, 4));
      await expect(answers(env)).rejects.toThrow(`shard 7 is damaged: ${tombstones}: `);
      const said = await run();
      expect(said.code).toBe(1);
      expect(said.out).toContain('what was deleted of the file shows again');
      expect((await run('-accept-loss')).code).toBe(0);
      expect(await answers(env)).toBe(all);
      expect((await run()).code).toBe(0);
    });
  },
);

test('salvage: a damaged block is named with its series and times, and costs what it had alone', async () => {
  await withShard(async (env, run) => {
    await damage(env.disk, first, () => 20);
    const said = await run();
    expect(said.code).toBe(1);
    expect(said.out).toContain(`${first}: the block at 5 is damaged: m,h=a v from 1970-01-01T00:00:00.00000001Z to 1970-01-01T00:00:00.00000001Z`); // prettier-ignore
    expect(said.out).toContain('2 files, 7 blocks can be read, 1 cannot, 0 files');
    expect(said.err).toContain('nothing was changed');
    await expect(answers(env)).rejects.toThrow('the block at 5 is damaged');
    expect((await run('-accept-loss')).code).toBe(0);
    expect(await answers(env)).toBe('20:1 10:2 20:2 10:3 20:3 10:4 20:4');
    expect((await run()).code).toBe(0);
    expect(await env.disk.size(`${first}.lost`)).toBeGreaterThan(0);
  });
});

test.each<readonly [what: string, at: (bytes: Uint8Array) => number]>([
  ['tail', (bytes) => bytes.length - 2],
  ['head', () => 1],
])('salvage: a file whose %s is damaged loses nothing', async (_what, at) => {
  await withShard(async (env, run) => {
    await damage(env.disk, second, at);
    // A start sets it aside.
    await expect(answers(env)).rejects.toThrow('damaged');
    expect(await env.disk.size(`${second}.bad`)).toBeGreaterThan(0);
    expect((await run()).out).toContain('8 blocks can be read, 0 cannot, 0 files');
    expect((await run('-accept-loss')).code).toBe(0);
    expect(await answers(env)).toBe(all);
  });
});

test('salvage: of a damaged index nothing is believed that no sum vouches for', async () => {
  await withShard(async (env, run) => {
    const { indexBytes = 0 } = (await readManifest(env.disk, folder)).files.get('000000002-000000001.tsm') ?? {}; // prettier-ignore
    // In the name of the first key: the structure adds up as before.
    await damage(env.disk, second, (bytes) => bytes.length - 8 - indexBytes + 4);
    expect((await run()).out).toContain('4 blocks can be read, 0 cannot, 1 files have lost what');
    await run('-accept-loss');
    expect(await answers(env)).toBe('10:1 10:2 10:3 10:4');
  });
});

test('salvage: a file that is gone, or one cut short, costs what it had', async () => {
  for (const hurt of [
    (disk: Disk) => disk.remove(second),
    async (disk: Disk) => disk.replaceFile(second, (await disk.readFile(second)).slice(0, 90)),
  ])
    await withShard(async (env, run) => {
      await hurt(env.disk);
      await expect(answers(env)).rejects.toThrow('damaged');
      expect((await run()).out).toContain('4 blocks can be read, 0 cannot, 1 files have lost what');
      await run('-accept-loss');
      expect(await answers(env)).toBe('10:1 10:2 10:3 10:4');
    });
});

test('salvage: without a shard.json that can be read the files are the shard', async () => {
  await withShard(async (env, run) => {
    await damage(env.disk, `${folder}/shard.json`, () => 30);
    await expect(answers(env)).rejects.toThrow('the checksum does not match');
    const said = await run();
    expect(said.code).toBe(1);
    expect(said.out).toContain('the checksum does not match: files are believed');
    await run('-accept-loss');
    expect(await answers(env)).toBe(all);
  });
});

test('salvage: ended at any call of the disk the shard is refused as before, or whole, and the same command ends it', async () => {
  for (let n = 1; await failsAt(n); n++);
});

/** Answers whether there were so many calls. */
async function failsAt(n: number): Promise<boolean> {
  const left = '20:1 10:2 20:2 10:3 20:3 10:4 20:4';
  let hasFailed = false;
  await withShard(async (env, run) => {
    await damage(env.disk, first, () => 20);
    await damage(env.disk, second, (bytes) => bytes.length - 2);
    await expect(answers(env)).rejects.toThrow('damaged');
    const disk = new FailingDisk(env.disk, { failAt: n, stays: true });
    await inspect({ ...env, disk, workingFolder: '/w' }, ['salvage', '-accept-loss', folder]);
    ({ hasFailed } = disk);
    const shown = await answers(env).catch((error: unknown) => String(error));
    if (!shown.includes('damaged')) expect(shown, `call ${n}`).toBe(left);
    expect((await run('-accept-loss')).code).toBe(0);
    expect(await answers(env), `call ${n}`).toBe(left);
  });
  return hasFailed;
}

test('salvage: what the log has lost of a shard is accepted with its mark, flushed before or not', async () => {
  for (const isFlushed of [true, false])
    await withShard(async (env, run) => {
      if (!isFlushed)
        for (const { name } of await env.disk.list(folder)) await env.disk.remove(`${folder}/${name}`); // prettier-ignore
      await env.disk.replaceFile(`${folder}/damaged.json`, Buffer.from('{"version":1,"reason":"a.wal: records may be lost at 5"}')); // prettier-ignore
      const said = await run();
      expect(said.out).toContain(`${folder}/damaged.json: a.wal: records may be lost at 5`);
      expect(said.code).toBe(1);
      expect((await run('-accept-loss')).code).toBe(0);
      expect(await env.disk.size(`${folder}/damaged.json`)).toBeUndefined();
      if (isFlushed) expect(await answers(env)).toBe(all);
    });
});

test('salvage: a running node keeps it from changing anything, and where no shard is it says so', async () => {
  await withShard(async (env, run) => {
    await env.disk.replaceFile('data/.lock', new Uint8Array());
    const lock = await env.disk.lock('data/.lock');
    expect((await run('-accept-loss')).err).toContain('locked');
    await lock.release();
    const nowhere = await inspect({ ...env, workingFolder: '/w' }, ['salvage', 'data/db/autogen/9']); // prettier-ignore
    expect(nowhere.err).toBe('salvage: data/db/autogen/9: no shard is there\n');
    expect((await inspect({ ...env, workingFolder: '/w' }, ['salvage'])).code).toBe(1);
  });
});

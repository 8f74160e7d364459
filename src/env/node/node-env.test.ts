import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { clockContract } from '../../../test/support/contract/clock.ts';
import { diskContract } from '../../../test/support/contract/disk.ts';
import { engineHostContract } from '../../../test/support/contract/engine-host.ts';
import { jobsContract } from '../../../test/support/contract/jobs.ts';
import { kvStoreContract } from '../../../test/support/contract/kv-store.ts';
import { logContract } from '../../../test/support/contract/log.ts';
import { randomContract } from '../../../test/support/contract/random.ts';
import { NodeClock } from './node-clock.ts';
import { NodeDisk } from './node-disk.ts';
import { NodeJobs } from './node-jobs.ts';
import { NodeKvOpener } from './node-kv.ts';
import { NodeLog } from './log/node-log.ts';
import { createNodeRandom } from './node-random.ts';
import { WorkerEngineHost } from './engine/worker-engine-host.ts';

const workerUrl = new URL(
  '../../../test/support/contract/contract-engine-worker.ts',
  import.meta.url,
);

async function inFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(`${tmpdir()}/varve-env-`);
  try {
    await body(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

function createHost(): { host: WorkerEngineHost; log: NodeLog; lines: string[] } {
  const lines: string[] = [];
  const log = NodeLog.create({
    clock: new NodeClock(),
    format: 'logfmt',
    level: 'info',
    write: (line) => lines.push(line),
  });
  return { host: new WorkerEngineHost({ workerUrl, log }), log, lines };
}

clockContract('node clock', (body) => body({ clock: new NodeClock() }));
randomContract('node random', (body) => body({ random: createNodeRandom() }));
diskContract('node disk', (body) => inFolder((dir) => body({ disk: new NodeDisk(), dir })));
kvStoreContract('node kv', (body) =>
  inFolder((dir) => body({ kv: new NodeKvOpener(), path: `${dir}/kv` })),
);
jobsContract('node jobs', (body) => body({ jobs: new NodeJobs() }));
logContract('node log', (body) => {
  const { log, lines } = createHost();
  return body({ log, logged: () => lines });
});
engineHostContract('worker engine host', (body) => {
  const { host, lines } = createHost();
  return body({ engines: host, clock: new NodeClock(), logged: () => lines });
});

test('worker engine host: an engine that throws outside a request is dead', async () => {
  const { host } = createHost();
  const link = await host.spawn({ index: 3, count: 4, options: 0 });
  const spinning = expect(link.call('spin', 0)).rejects.toMatchObject({ code: 'internal' });
  await expect(link.call('die', 0)).rejects.toThrow('engine 3 died: outside of a request');
  await spinning;
  expect((await link.died)?.message).toBe('outside of a request');
  await expect(link.call('echo', 0)).rejects.toMatchObject({ code: 'internal' });
});

test('worker engine host: a broken invariant ends the engine', async () => {
  const { host } = createHost();
  const link = await host.spawn({ index: 0, count: 1, options: 0 });
  await expect(link.call('invariant', 0)).rejects.toThrow('an invariant');
  expect((await link.died)?.message).toBe('an invariant');
});

test('worker engine host: a level set on the main thread holds in the engines', async () => {
  const { host, log, lines } = createHost();
  const link = await host.spawn({ index: 0, count: 1, options: 0 });
  log.child('other').setLevel('error');
  await link.call('log', 'hidden');
  log.setLevel('info');
  await link.call('log', 'shown');
  expect(lines.map((line) => line.replace(/^ts=\S+ /, ''))).toEqual([
    'lvl=info msg=shown service=engine count=3\n',
  ]);
  await link.close();
});

test('worker engine host: a stream that nobody reads on does not hold up the close, and never looks whole', async () => {
  const { host } = createHost();
  const link = await host.spawn({ index: 0, count: 1, options: 0 });
  const taken: unknown[] = [];
  const reading = async (): Promise<void> => {
    for await (const item of link.stream('count', 1_000_000_000)) {
      taken.push(item);
      await link.close();
    }
  };
  await expect(reading()).rejects.toMatchObject({ code: 'shutdown' });
  expect(taken.length).toBeLessThan(10);
  expect(await link.died).toBe(undefined);
});

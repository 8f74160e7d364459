import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { must } from '../../base/assert.ts';
import { NodeDisk } from './node-disk.ts';

function holdInProcess(path: string): ChildProcess {
  const module = new URL('node-disk.ts', import.meta.url).href;
  const code = `import { NodeDisk } from ${JSON.stringify(module)};
    await new NodeDisk().lock(${JSON.stringify(path)});
    process.stdout.write('locked');
    setInterval(() => 0, 1000);`;
  return spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('node lock: held by another process until that is killed, then free without cleaning up', async () => {
  const dir = await mkdtemp(`${tmpdir()}/varve-lock-`);
  const disk = new NodeDisk();
  const holder = holdInProcess(`${dir}/LOCK`);
  try {
    await once(must(holder.stdout, 'the pipe is asked for'), 'data');
    await expect(disk.lock(`${dir}/LOCK`)).rejects.toMatchObject({ code: 'conflict' });
    await expect(disk.lock(`${dir}/./LOCK`)).rejects.toMatchObject({
      code: 'conflict',
    });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (await disk.lock(`${dir}/LOCK`)).release();
  } finally {
    holder.kill('SIGKILL');
    await rm(dir, { recursive: true });
  }
});

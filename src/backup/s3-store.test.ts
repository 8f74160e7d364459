import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasMoto, MotoServer } from '../../test/support/moto-server.ts';
import { Prng } from '../base/prng.ts';
import { readWhole, writeWhole } from './backup-store.ts';
import { S3Store } from './s3-store.ts';

/** Two servers that have nothing in common. */
const servers: readonly {
  readonly name: string;
  readonly isHere: boolean;
  /** Whether it heeds If-None-Match. */
  readonly isConditional: boolean;
  readonly start: () => Promise<Started>;
}[] = [
  { name: 's3rver', isHere: true, isConditional: false, start: startS3rver },
  { name: 'moto', isHere: hasMoto, isConditional: true, start: () => MotoServer.start() },
];
if (!hasMoto)
  process.stdout.write('no moto_server: object stores are tested against s3rver alone\n');

interface Started {
  readonly url: string;
  stop(): Promise<void>;
}

async function startS3rver(): Promise<Started> {
  const directory = mkdtempSync(join(tmpdir(), 's3-'));
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory,
    configureBuckets: [{ name: 'backups', configs: [] }],
  });
  const { port } = await server.run();
  const stop = async (): Promise<void> => {
    await server.close();
    rmSync(directory, { recursive: true });
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

describe.each(servers.filter(({ isHere }) => isHere))('$name', ({ start, isConditional }) => {
  let started: Started | undefined;

  beforeAll(async () => {
    started = await start();
    // The client's own look for keys is at the process's environment.
    process.env['AWS_ACCESS_KEY_ID'] = 'S3RVER';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'S3RVER';
  });
  afterAll(async () => {
    await started?.stop();
    delete process.env['AWS_ACCESS_KEY_ID'];
    delete process.env['AWS_SECRET_ACCESS_KEY'];
  });

  const storeAt = (place: string): S3Store => {
    const environment = { AWS_ENDPOINT_URL_S3: started?.url };
    return new S3Store(place, { environment, bufferBytes: 1 });
  };

  test('s3 store: objects of a prefix, read as they were written, in parts where they are large', async () => {
    const store = storeAt('s3://backups/one/two/');
    expect(await store.list()).toEqual([]);
    await writeWhole(store, 'small', Buffer.from('abc'));
    await writeWhole(store, 'empty', Buffer.alloc(0));
    const random = new Prng([1, 2, 3, 4]);
    const large = Buffer.alloc(40 << 20);
    for (let at = 0; at < large.length; at += 4_096) large.writeUInt32LE(random.u32(), at);
    await store.write(
      'large',
      (async function* () {
        for (let at = 0; at < large.length; at += 1 << 20) {
          await Promise.resolve();
          yield large.subarray(at, at + (1 << 20));
        }
      })(),
    );
    await writeWhole(storeAt('s3://backups/one'), 'beside', Buffer.from('x'));
    expect([...(await store.list())].sort()).toEqual(['empty', 'large', 'small']);
    expect((await readWhole(store, 'small')).toString()).toBe('abc');
    expect((await readWhole(store, 'empty')).length).toBe(0);
    expect(large.equals(await readWhole(store, 'large'))).toBe(true);
    await store.remove('small');
    await store.remove('small');
    expect([...(await store.list())].sort()).toEqual(['empty', 'large']);
    await expect(readWhole(store, 'small')).rejects.toMatchObject({ code: 'not_found' });
  });

  test.runIf(isConditional)('s3 store: a name that is there is not created again', async () => {
    const store = storeAt('s3://backups/claims');
    expect(await store.create('name', Buffer.from('first'))).toBe(true);
    expect(await store.create('name', Buffer.from('second'))).toBe(false);
    expect((await readWhole(store, 'name')).toString()).toBe('first');
  });

  test('s3 store: what fails while it is made is not there, and says why', async () => {
    const store = storeAt('s3://backups/broken');
    const broken = (async function* () {
      await Promise.resolve();
      yield Buffer.alloc(20 << 20);
      throw new Error('the disk is gone');
    })();
    await expect(store.write('half', broken)).rejects.toThrow('the disk is gone');
    expect(await store.list()).toEqual([]);
  });

  test('s3 store: a bucket that is not there, and a place that is none', async () => {
    await expect(storeAt('s3://nobody/x').list()).rejects.toThrow(/^s3:\/\/nobody\/x\/: /);
    expect(() => storeAt('s3:///x')).toThrow('s3:///x: expected s3://bucket/prefix');
  });
});

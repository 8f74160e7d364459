import { createServer, type Socket } from 'node:net';
import { request } from 'node:http';
import { expect, test, vi } from 'vitest';
import { MiB } from '../../base/units.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import type { Log } from '../../env/log.ts';
import { PutApi } from './put-api.ts';

test('put: bodies count until they are answered, and others wait for theirs', async () => {
  const pending: (() => void)[] = [];
  const log = { info: () => undefined, error: () => undefined } as unknown as Log;
  const jobs = { run: () => Promise.reject(new Error('nothing is zipped')) };
  const write = () => new Promise<void>((resolve) => pending.push(resolve));
  const api = await PutApi.open({ clock: new NodeClock(), log, jobs, write });
  const server = createServer((socket: Socket) => {
    api.serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const body = Buffer.alloc(30 * MiB, ' ');
  body.write('{"metric":"m","timestamp":1,"value":1,"tags":{"a":"b"}}');
  const put = () =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = request({ port, method: 'POST', path: '/api/put', agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const answers = [put(), put(), put(), put()];
  await vi.waitFor(() => {
    expect(pending).not.toHaveLength(0);
  }, 20_000);
  await new Promise((resolve) => setTimeout(resolve, 500));
  // There is room for two of them beside the oldest, which never waits. Whoever is slower than this moment is not seen: nothing fails by that.
  expect(pending.length).toBeLessThan(4);
  for (let answered = 0; answered < answers.length; answered++) {
    await vi.waitFor(() => {
      expect(pending).not.toHaveLength(0);
    }, 20_000);
    pending.shift()?.();
  }
  expect(await Promise.all(answers)).toEqual([204, 204, 204, 204]);
  server.close();
  await api.close();
}, 60_000);

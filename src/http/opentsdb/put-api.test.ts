import { createServer, type Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { NodeClock } from '../../env/node/node-clock.ts';
import type { Log } from '../../env/log.ts';
import { BodyBudget } from '../data/requests/body-budget.ts';
import { PutApi } from './put-api.ts';

test('put: a body counts until it is answered, and not only while it comes', async () => {
  const pending: (() => void)[] = [];
  const log = { info: () => undefined, error: () => undefined } as unknown as Log;
  const jobs = { run: () => Promise.reject(new Error('nothing is zipped')) };
  const write = () => new Promise<void>((resolve) => pending.push(resolve));
  const budget = new BodyBudget(1 << 20);
  const api = await PutApi.open({ clock: new NodeClock(), log, jobs, write }, budget);
  const server = createServer((socket: Socket) => {
    api.serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const body = '{"metric":"m","timestamp":1,"value":1,"tags":{"a":"b"}}';
  const put = () => fetch(`http://127.0.0.1:${port}/api/put`, { method: 'POST', body });
  const answers = [put(), put()];
  await vi.waitFor(() => {
    expect(pending).toHaveLength(2);
  }, 20_000);
  expect(budget.takenBytes).toBe(2 * body.length);
  for (const answer of pending) answer();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([204, 204]);
  await vi.waitFor(() => {
    expect([budget.takenBytes, budget.openCount]).toEqual([0, 0]);
  });
  server.close();
  await api.close();
});

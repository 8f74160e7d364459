import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import fastify from 'fastify';
import { afterAll, expect, test } from 'vitest';
import { Latch } from '../../../base/async/latch.ts';
import { NodeClock } from '../../../env/node/node-clock.ts';
import { answerHalfOpen } from './half-open.ts';
import { IdleWatch } from './idle-watch.ts';

const api = fastify();

afterAll(() => api.close());

test('half-open: of many requests one behind the other nobody is warned, and all are answered', async () => {
  const begun = { count: 0, all: new Latch<undefined>() };
  answerHalfOpen(api, new IdleWatch(new NodeClock(), 60_000), () => true);
  api.get('/', async () => {
    if (++begun.count === 20) begun.all.open(undefined);
    await begun.all.promise;
    return 'done';
  });
  await api.listen({ port: 0, host: '127.0.0.1' });
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', onWarning);
  const socket = connect((api.server.address() as AddressInfo).port, '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20));
  await once(socket, 'close');
  process.off('warning', onWarning);
  expect(
    Buffer.concat(parts)
      .toString()
      .match(/200 OK/g),
  ).toHaveLength(20);
  expect(warnings).toEqual([]);
});

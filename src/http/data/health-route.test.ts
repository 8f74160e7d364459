import fastify from 'fastify';
import { expect, test } from 'vitest';
import { sendHealth } from './health-route.ts';

test('health: a node that opens its shards passes and says how far it is, then answers as the reference', async () => {
  let opened = 3;
  const api = fastify();
  api.get('/health', (_request, reply) =>
    sendHealth(reply, '1.12.4', () =>
      Promise.resolve({ opened, total: 9, damaged: [], failing: [], isMember: true }),
    ),
  );
  const whileOpening = await api.inject('/health');
  expect(whileOpening.statusCode).toBe(200);
  expect(whileOpening.json()).toEqual({
    ...{ checks: [], name: 'influxdb', status: 'pass', version: '1.12.4' },
    message: 'ready for queries and writes: opened 3 of 9 shards',
  });
  opened = 9;
  const { message } = (await api.inject('/health')).json<{ message: string }>();
  expect(message).toBe('ready for queries and writes');
  await api.close();
});

test('health: damaged shards are named, and the node passes', async () => {
  const api = fastify();
  const damaged = [
    { shardId: 7, isRefused: true },
    { shardId: 9, isRefused: false },
  ];
  api.get('/health', (_request, reply) =>
    sendHealth(reply, '1.12.4', () =>
      Promise.resolve({ opened: 9, total: 9, damaged, failing: [], isMember: true }),
    ),
  );
  const answer = await api.inject('/health');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({
    checks: [
      { name: 'shard 7', status: 'fail', message: 'damaged, and neither read nor written' },
      { name: 'shard 9', status: 'fail', message: 'damaged in part' },
    ],
    message: 'ready for queries and writes; 2 shards are damaged',
    ...{ name: 'influxdb', status: 'pass', version: '1.12.4' },
  });
  await api.close();
});

test('health: a node that is of no cluster fails, since it takes no writes', async () => {
  const api = fastify();
  const health = { opened: 0, total: 0, damaged: [], failing: [], isMember: false };
  api.get('/health', (_request, reply) =>
    sendHealth(reply, '1.12.4', () => Promise.resolve(health)),
  );
  const answer = await api.inject('/health');
  expect(answer.statusCode).toBe(503);
  expect(answer.json()).toEqual({
    ...{ checks: [], name: 'influxdb', status: 'fail', version: '1.12.4' },
    message: 'not a member of a cluster',
  });
  await api.close();
});

test('health: what the disk does not take is named, once for all workers, and the node passes', async () => {
  const api = fastify();
  const full = { what: 'write-ahead log', reason: 'no space left on device' };
  const failing = [full, full, { what: 'hinted handoff', reason: 'input/output error' }];
  api.get('/health', (_request, reply) =>
    sendHealth(reply, '1.12.4', () =>
      Promise.resolve({ opened: 9, total: 9, damaged: [], failing, isMember: true }),
    ),
  );
  const answer = await api.inject('/health');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({
    checks: [
      { name: 'write-ahead log', status: 'fail', message: 'no space left on device' },
      { name: 'hinted handoff', status: 'fail', message: 'input/output error' },
    ],
    message: 'ready for queries and writes; the disk does not take all that is written',
    ...{ name: 'influxdb', status: 'pass', version: '1.12.4' },
  });
  await api.close();
});

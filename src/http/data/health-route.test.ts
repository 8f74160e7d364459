import fastify from 'fastify';
import { expect, test } from 'vitest';
import { sendHealth } from './health-route.ts';

test('health: a node that opens its shards passes and says how far it is, then answers as the reference', async () => {
  let opened = 3;
  const api = fastify();
  api.get('/health', (_request, reply) =>
    sendHealth(reply, '1.12.4', () => Promise.resolve({ opened, total: 9 })),
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

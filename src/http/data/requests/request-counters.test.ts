import fastify from 'fastify';
import { expect, test } from 'vitest';
import { everyone, type Principal } from '../../../data/statements/principal.ts';
import type { Clock } from '../../../env/clock.ts';
import { RequestCounters } from './request-counters.ts';

const clock = { monotonicMs: () => 0 } as unknown as Clock;

/** What is counted of one request for /query with an answer of 1,000 bytes, and one for /ping. */
async function countedOf(countsUserBytes: boolean, principal?: Principal, isServed = true) {
  const counters = new RequestCounters(clock, { bind: ':8086', countsUserBytes });
  const api = fastify();
  counters.follow(api);
  const closed: Promise<void>[] = [];
  api.decorateRequest('principal', undefined);
  api.addHook('onRequest', (request, reply, done) => {
    request.principal = principal;
    closed.push(new Promise((resolve) => reply.raw.once('close', resolve)));
    done();
  });
  counters.followServed(api, () => isServed);
  api.get('/query', () => 'x'.repeat(1_000));
  api.get('/ping', () => '');
  const before = counters.statistics();
  const url = await api.listen({ host: '127.0.0.1', port: 0 });
  for (const path of ['/query', '/ping']) await (await fetch(`${url}${path}`)).text();
  await Promise.all(closed);
  await api.close();
  return { before, after: counters.statistics() };
}

test('request counters: bytes of answers to queries are those of their user, once there are any', async () => {
  const { before, after } = await countedOf(true, { ...everyone, name: 'ada' });
  expect(before.map(({ name }) => name)).toEqual(['httpd']);
  const [all, users, ...others] = after;
  expect(others).toEqual([]);
  const sent = all?.values['queryRespBytes'];
  expect(sent).toBeGreaterThan(1_000);
  const tags = { bind: ':8086', user: 'ada' };
  expect(users).toEqual({ name: 'userquerybytes', tags, values: { userQueryRespBytes: sent } });
});

test('request counters: bytes are counted by user only where that is asked for', async () => {
  const { after } = await countedOf(false, everyone);
  expect(after.map(({ name }) => name)).toEqual(['httpd']);
  const anonymous = (await countedOf(true, everyone)).after[1];
  expect(anonymous?.tags['user']).toBe('(anonymous)');
  // Refused before anybody knew whose it was.
  expect((await countedOf(true)).after.length).toBe(1);
});

test('request counters: who is sent away before is a request, and none of its kind', async () => {
  const valuesOf = async (isServed: boolean) => (await countedOf(false, everyone, isServed)).after[0]?.values; // prettier-ignore
  expect(await valuesOf(true)).toMatchObject({ req: 2, queryReq: 1, pingReq: 1, reqActive: 0 });
  const values = await valuesOf(false);
  expect(values).toMatchObject({
    req: 2,
    queryReq: 0,
    pingReq: 0,
    queryRespBytes: 0,
    reqActive: 0,
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Config } from '../../src/config/config.ts';
import { dataArrayKeys, dataKeys } from '../../src/config/data-keys.ts';
import { openListeners, type Listeners } from '../../src/server/node/listeners/open-listeners.ts';
import { eventually } from '../support/dev-cluster.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';
import { answerOf, listenerCases, sectionsOf, sendCase, type ListenerAnswer } from './listener-cases.ts'; // prettier-ignore

const portFirst = 24_300;
const recorded = new Map(
  readFileSync(join(import.meta.dirname, 'testdata/listeners.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ListenerAnswer)
    .map((answer) => [answer.name, answer]),
);

const folder = mkdtempSync(join(tmpdir(), 'varve-listeners-'));
let node: OneNode;
let listeners: Listeners;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 1 });
  const text = sectionsOf(listenerCases, portFirst);
  const config = Config.read({ text, environment: {}, keys: dataKeys, arrayKeys: dataArrayKeys });
  const { env, meta, writer, statistics } = node;
  listeners = await openListeners(config, { ...env, meta, writer, statistics });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await Promise.all(listenerCases.map((one, i) => sendCase(one, portFirst + i, turn)));
});
afterAll(async () => {
  await listeners.close();
  await node.close();
  rmSync(folder, { recursive: true });
});

async function query(q: string, db: string): Promise<string> {
  const parameters = new URLSearchParams({ q, db, epoch: 'ns' });
  return (await fetch(`${node.url}/query?${parameters.toString()}`)).text();
}

/** Times of points that came without one are those of the moment: later than any other here. */
function comparable(answer: string): unknown {
  const { results } = JSON.parse(answer.replaceAll(/\[(1(?:79|8\d|9\d)\d{16}),/g, '["now",')) as {
    results: readonly unknown[];
  };
  return results;
}

test.for(listenerCases)('listeners: of $name what a real 1.12.4 stores and counts', async (one) => {
  const { answer, statistics } = recorded.get(one.name) ?? { answer: '', statistics: {} };
  const bind = `127.0.0.1:${portFirst + listenerCases.indexOf(one)}`;
  let own = await answerOf(one, bind, query);
  await eventually(async () => {
    own = await answerOf(one, bind, query);
    expect(sums(own.statistics)).toEqual(sums(statistics));
  }, 10_000);
  const { datagramsDropped = 0, ...counts } = own.statistics;
  expect([datagramsDropped, counts]).toEqual([0, statistics]);
  expect(comparable(own.answer)).toEqual(comparable(answer));
});

/** What has come, and how many batches have been written or not. */
function sums({
  pointsRx,
  batchesTx = 0,
  batchesTxFail = 0,
  connsActive,
}: ListenerAnswer['statistics']) {
  return { pointsRx, batches: batchesTx + batchesTxFail, connsActive };
}

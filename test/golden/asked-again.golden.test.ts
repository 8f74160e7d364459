import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepareServer } from '../conformance/replay.ts';
import { StepSender } from '../conformance/send-step.ts';
import { startOneNode } from '../support/one-node.ts';

interface Asked {
  readonly q: string;
  readonly answer: string;
}

/**
 * What a real influxd 1.12.4 answered to statements that were once answered otherwise here. The first line has the data, in
 * which no two rows of a measurement have one time.
 */
const [head = '', ...rest] = readFileSync(join(import.meta.dirname, 'testdata/asked-again.jsonl'), 'utf8').trimEnd().split('\n'); // prettier-ignore

test('statements that were answered otherwise once are answered as by the recorded server', async () => {
  const { setup, database, lines } = JSON.parse(head) as { readonly setup: readonly string[]; readonly database: string; readonly lines: readonly string[] }; // prettier-ignore
  const folder = mkdtempSync(join(tmpdir(), 'varve-asked-'));
  const node = await startOneNode(folder, { workerCount: 1 });
  const sender = new StepSender(node.url);
  const asked = rest.map((line) => JSON.parse(line) as Asked);
  const answers: Asked[] = [];
  try {
    const writes = [{ params: { db: database }, body: lines.join('\n') }];
    await prepareServer(node.url, { setup, writes, cases: [] });
    for (const { q } of asked) {
      const params = { db: database, epoch: 'ns', q };
      const { text } = await sender.send({ method: 'POST', path: '/query', params, headers: {} });
      answers.push({ q, answer: text.trim() });
    }
  } finally {
    sender.close();
    await node.close();
    rmSync(folder, { recursive: true });
  }
  expect(answers).toEqual(asked);
}, 60_000);

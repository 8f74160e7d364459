import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startOneNode } from '../support/one-node.ts';
import { deviationsPath, knownFailuresPath, readCaseList } from './case-list.ts';
import { readRecordedSet } from './recorded-set.ts';
import { prepareServer, replayCases } from './replay.ts';

test('conformance: each recorded case is answered as by the real server, or is listed', async () => {
  const known = readCaseList(knownFailuresPath);
  const deviations = readCaseList(deviationsPath);
  const set = readRecordedSet();
  const folder = mkdtempSync(join(tmpdir(), 'varve-conformance-'));
  const node = await startOneNode(folder, { workerCount: 2 });
  const failed: string[] = [];
  const passedThoughListed: number[] = [];
  try {
    await prepareServer(node.url, set);
    for await (const { recorded, verdict, differences } of replayCases(node.url, set, () => true)) {
      const isListed = known.has(recorded.case) || deviations.has(recorded.case);
      if (verdict === 'pass' && isListed) passedThoughListed.push(recorded.case);
      if (verdict === 'pass' || isListed) continue;
      const [first] = differences;
      failed.push(`${recorded.case} ${recorded.kind} ${JSON.stringify(first?.step.params)} ${first?.text ?? ''}`); // prettier-ignore
    }
  } finally {
    await node.close();
    rmSync(folder, { recursive: true });
  }
  expect(failed).toEqual([]);
  // The lists only get shorter: `npm run conformance -- --write-known` takes these out.
  expect(passedThoughListed).toEqual([]);
  expect([...known.keys()].filter((number) => deviations.has(number))).toEqual([]);
}, 300_000);

test('conformance: each deviation has a reason', () => {
  const unexplained = [...readCaseList(deviationsPath)].filter(([, reason]) => reason.length < 20);
  expect(unexplained).toEqual([]);
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAccess, type AccessOptions } from '../../src/http/data/access/access-options.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';
import {
  accessCases,
  askAccess,
  guardedCases,
  sharedSecret,
  type AccessAnswer,
  type AccessCase,
} from './access-requests.ts';

/** Answers of a real 1.12.4 with `auth-enabled`; record-access.ts records them anew. */
const recorded = new Map(
  readFileSync(join(import.meta.dirname, 'testdata/access.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { name, ...answer } = JSON.parse(line) as AccessAnswer & { readonly name: string };
      return [name, answer] as const;
    }),
);

const folder = mkdtempSync(join(tmpdir(), 'varve-access-'));
const nodes = new Map<readonly AccessCase[], OneNode>();

beforeAll(async () => {
  const start = (name: string, access: Partial<AccessOptions>) =>
    startOneNode(join(folder, name), {
      workerCount: 1,
      access: { ...openAccess, isEnabled: true, ...access },
    });
  nodes.set(accessCases, await start('access', { guardsProfiles: true, sharedSecret }));
  nodes.set(guardedCases, await start('guarded', { guardsPing: true, guardsPrometheusReads: true })); // prettier-ignore
});

afterAll(async () => {
  for (const node of nodes.values()) await node.close();
  rmSync(folder, { recursive: true });
});

const all = [accessCases, guardedCases].flatMap((cases) => cases.map((one) => ({ ...one, cases })));

test('access: each case has a name of its own, and an answer', () => {
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  expect(recorded.size).toBe(all.length);
});

/** One after the other: each finds the users that those before it have left. */
test.each(all)('access: $name', async ({ cases, ...one }) => {
  const right = recorded.get(one.name);
  const ours = await askAccess(nodes.get(cases)?.url ?? '', one);
  expect(right).toBeDefined();
  if (one.deviation === undefined) expect(ours).toEqual(right);
  else expect(ours).not.toEqual(right);
});

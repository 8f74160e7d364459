/** What a real influxd left, imported, answers as it did there. */
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importInflux } from '../../src/cli/influxdb/import-command.ts';
import type { NodeFolders } from '../../src/cli/influxdb/offline-ports.ts';
import type { Log } from '../../src/env/log.ts';
import { NodeClock } from '../../src/env/node/node-clock.ts';
import { NodeDisk } from '../../src/env/node/node-disk.ts';
import { readImportRecord } from '../../src/meta/client/import-record.ts';
import { ImportHandOver } from '../../src/services/import-hand-over.ts';
import { startOneNode, type MemoryMeta } from '../support/one-node.ts';
import { folderQuestions } from './record-influx-folders.ts';

const recorded = join(import.meta.dirname, 'testdata/influx-folders');
const silent = { info: () => undefined, error: () => undefined } as unknown as Log;

/** The reference lists grants in no order. */
function sorted(answer: string): string {
  return answer.includes('"privilege"')
    ? answer
        .replaceAll(/[[\]{}]/g, ',')
        .split(',')
        .sort()
        .join()
    : answer;
}

async function importInto(
  from: string,
  node: NodeFolders,
  ...switches: readonly string[]
): Promise<string> {
  const said: string[] = [];
  const ports = { disk: new NodeDisk(), out: (text: string) => void said.push(text) };
  await importInflux(ports, node, {
    text: (flag) => (flag === 'from' ? from : ''),
    has: (flag) => switches.includes(flag),
  });
  return said.join('');
}

async function handOver(meta: MemoryMeta, folder: string): Promise<void> {
  const ports = { disk: new NodeDisk(), clock: new NodeClock(), log: silent, meta };
  const imported = await ImportHandOver.open(ports, folder);
  await imported.handOver();
  await imported.close();
}

async function ask(url: string, { q, db = '' }: (typeof folderQuestions)[number]): Promise<string> {
  const parameters = new URLSearchParams({ q, db, epoch: 'ns' });
  return (await (await fetch(`${url}/query?${parameters.toString()}`)).text()).trim();
}

test.each(['1.6.7', '1.12.4'])(
  'import of what influxd %s left: the same answers',
  async (version) => {
    const home = mkdtempSync(join(tmpdir(), 'varve-import-'));
    const folders = { data: join(home, 'data'), wal: join(home, 'wal'), meta: join(home, 'meta') };
    const source = join(home, 'influxdb');
    cpSync(join(recorded, version), source, { recursive: true });
    const node = { close: () => Promise.resolve() };
    try {
      const plan = await importInto(source, folders, 'dry-run');
      expect(plan).toContain('policy autogen: 3 shards, 3 TSM files of');
      expect(plan).toContain('user boss (admin)\n');
      expect(await readImportRecord(new NodeDisk(), folders.meta)).toBeUndefined();
      expect(await importInto(source, folders)).toContain('Imported 2 databases with 5 shards.');
      expect(await importInto(source, folders)).toContain('All of it was imported before.');
      const file = 'data/old/autogen/1/000000001-000000001.tsm';
      expect(statSync(join(home, file)).ino).toBe(statSync(join(source, file)).ino);
      const started = await startOneNode(home, { workerCount: 2 });
      node.close = started.close;
      await handOver(started.meta, folders.meta);
      const answers = JSON.parse(readFileSync(join(source, 'answers.json'), 'utf8')) as readonly string[]; // prettier-ignore
      for (const [i, question] of folderQuestions.entries()) {
        // 1.6.7 has no columns of write limits.
        if (version === '1.6.7' && question.q.startsWith('SHOW RETENTION')) continue;
        expect(sorted(await ask(started.url, question)), question.q).toBe(sorted(answers[i] ?? ''));
      }
      const users = started.meta.catalog.users?.map(({ hash }) => hash.slice(0, 7));
      expect(users).toEqual(['$2a$10$', '$2a$10$']);
      await handOver(started.meta, folders.meta);
      expect((await readImportRecord(new NodeDisk(), folders.meta))?.state).toBe('done');
    } finally {
      await node.close();
      rmSync(home, { recursive: true });
    }
  },
);

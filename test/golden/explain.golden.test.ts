import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startOneNode } from '../support/one-node.ts';

/** The lines of a statement's first series. */
async function lines(url: string, query: string): Promise<string[]> {
  const body = new URLSearchParams({ db: 'd', q: query });
  const answer = await fetch(`${url}/query`, { method: 'POST', body });
  const { results } = (await answer.json()) as { results: { series?: { columns: string[]; values: [string][] }[]; error?: string }[] }; // prettier-ignore
  const [series] = results[0]?.series ?? [];
  const head = results[0]?.error ?? series?.columns.join() ?? '';
  return [head, ...(series?.values ?? []).map(([line]) => line)];
}

/** As an influxd 1.12.4 answers right after the same points were written. */
test('explain: values in memory are counted; ANALYZE writes nothing that INTO names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-explain-'));
  const node = await startOneNode(folder, { workerCount: 2 });
  try {
    await lines(node.url, 'CREATE DATABASE d');
    const points = 'cpu,host=a v=1,n=2i 1\ncpu,host=a v=2 2\ncpu,host=b v=3 604800000000000';
    await fetch(`${node.url}/write?db=d`, { method: 'POST', body: points });
    expect(await lines(node.url, 'EXPLAIN SELECT v FROM cpu')).toEqual([
      'QUERY PLAN',
      'EXPRESSION: <nil>',
      'AUXILIARY FIELDS: v::float',
      'NUMBER OF SHARDS: 2',
      'NUMBER OF SERIES: 2',
      'CACHED VALUES: 3',
      'NUMBER OF FILES: 0',
      'NUMBER OF BLOCKS: 0',
      'SIZE OF BLOCKS: 0',
    ]);
    const analyzed = await lines(node.url, 'EXPLAIN ANALYZE SELECT v INTO other FROM cpu');
    expect(analyzed.slice(0, 3)).toEqual(['EXPLAIN ANALYZE', '.', '└── select']);
    expect(analyzed.filter((line) => line.includes('create_iterator'))).toHaveLength(2);
    expect(await lines(node.url, 'SHOW MEASUREMENTS')).toEqual(['name', 'cpu']);
    expect(await lines(node.url, 'EXPLAIN SELECT f(v) FROM cpu')).toEqual([
      'undefined function f()',
    ]);
    expect(await lines(node.url, 'EXPLAIN SELECT mean(v), top(v, 1) FROM cpu')).toEqual([
      'selector function top() cannot be combined with other functions',
    ]);
  } finally {
    await node.close();
    rmSync(folder, { recursive: true });
  }
});

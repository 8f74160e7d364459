import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { healthStatistics } from '../../src/http/data/health-statistics.ts';
import { printPrometheus } from '../../src/telemetry/prometheus.ts';
import type { Statistic } from '../../src/telemetry/statistics.ts';

const examples = join(import.meta.dirname, '../../examples/prometheus');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
if (!hasPromtool) process.stdout.write('no promtool (Debian: prometheus): rules are not tried\n');

/** All that a node has to say (test/process/monitor.test.ts), and what is ours. */
function allStatistics(): readonly Statistic[] {
  const text = readFileSync(new URL('../process/testdata/statistics-of-the-spec.json', import.meta.url), 'utf8'); // prettier-ignore
  const ofSpec = JSON.parse(text) as Readonly<Record<string, { readonly fields: readonly string[] }>>; // prettier-ignore
  const named = ([name, fields]: readonly [string, readonly string[]]): Statistic => ({ name, tags: {}, values: Object.fromEntries(fields.map((field) => [field, 1])) }); // prettier-ignore
  const stalls = ['compaction', 'flush', 'log'].map((name) => named([name, ['stalls']]));
  const health = healthStatistics({
    opened: 1,
    total: 1,
    damaged: [],
    failing: [],
    isMember: true,
  });
  return [...Object.entries(ofSpec).map(([name, { fields }]) => named([name, fields])), ...stalls, ...health]; // prettier-ignore
}

test('rules for Prometheus: each number is one that nodes have', () => {
  const there = new Set(printPrometheus(allStatistics()).match(/^influxdb_\w+/gm));
  const rules = readFileSync(join(examples, 'varve-rules.yml'), 'utf8');
  const asked = [...new Set(rules.match(/\binfluxdb_\w+/g))];
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.filter((name) => !there.has(name))).toEqual([]);
});

test.runIf(hasPromtool)(
  'rules for Prometheus: what has gone wrong is told, and what goes well is not',
  () => {
    for (const args of [
      ['check', 'config', 'prometheus.yml'],
      ['test', 'rules', 'varve-rules.test.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: examples, encoding: 'utf8' }); // prettier-ignore
      expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, '']);
    }
  },
);

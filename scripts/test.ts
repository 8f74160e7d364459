/**
 * Runs all tests and ends with one plain line, `N passed, N failed`, that any reader of a log can find.
 * Arguments are handed to vitest (`npm test -- --project unit`).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly success: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'varve-test-'));
const reportPath = join(folder, 'report.json');
const run = spawnSync(
  'vitest',
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`].concat(
    process.argv.slice(2),
  ),
  { stdio: 'inherit' },
);
try {
  const report = JSON.parse(readFileSync(reportPath, 'utf8')) as Report;
  const failed = report.success ? report.numFailedTests : Math.max(report.numFailedTests, 1);
  const skipped = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : '';
  process.stdout.write(`${report.numPassedTests} passed, ${failed} failed${skipped}\n`);
  process.exitCode = failed > 0 || run.status !== 0 ? 1 : 0;
} catch {
  process.stdout.write('0 passed, 1 failed\n');
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

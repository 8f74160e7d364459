/**
 * What has to hold before a commit, `npm run check`: format of what differs from main (`.ci/run` looks at all), the messages
 * between nodes, code (types and lint in one go, decision 101) and floors, one after the other, and beside them the lanes of
 * tests that start no processes. All parts run, whichever fails; a part says what it found when it fails, as it ends. The last
 * line names the parts that failed.
 */
import { spawn } from 'node:child_process';
import { changedFiles } from './changed-files.ts';

interface Part {
  readonly name: string;
  readonly program: string;
  readonly flags: readonly string[];
}

const lanes = ['unit', 'golden', 'tidy', 'sim'];

const statics: readonly Part[] = [
  formatOf(changedFiles('main') ?? changedFiles('origin/main')),
  { name: 'proto', program: process.execPath, flags: ['scripts/build-proto.ts', '--check'] },
  { name: 'code', program: 'npm', flags: ['run', '-s', 'check:code'] },
  { name: 'fence', program: 'depcruise', flags: ['src', 'test', '--config', '.dependency-cruiser.cjs'] }, // prettier-ignore
];
const tests: Part = {
  name: 'tests',
  program: process.execPath,
  flags: ['scripts/test.ts', ...lanes.flatMap((lane) => ['--project', lane])],
};

/** What tools and engine workers load is compiled once for all of their processes and threads, and for the next check. */
const environment = { NODE_COMPILE_CACHE: 'node_modules/.cache/node', ...process.env };

const [staticsFailed, testsFailed] = await Promise.all([runStatics(), run(tests, 'shown')]);
const failed = [...staticsFailed, ...testsFailed];
process.stdout.write(failed.length === 0 ? 'check: all parts passed\n' : `check: ${failed.join(', ')} failed\n`); // prettier-ignore
process.exitCode = failed.length === 0 ? 0 : 1;

/** Of the files that are given, or of all: by content then, so that what is kept of one branch is right on another. */
function formatOf(
  files: readonly string[] = ['.', '--cache', '--cache-strategy', 'content'],
): Part {
  const flags = files.length === 0 ? ['--version'] : ['--check', '--ignore-unknown', ...files];
  return { name: 'format', program: 'prettier', flags };
}

/** Names of those that failed. */
async function runStatics(): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const part of statics) failed.push(...(await run(part, 'kept')));
  return failed;
}

/** Its name when it failed. What it writes is shown at once, or kept to its end and shown if it failed. */
function run({ name, program, flags }: Part, output: 'shown' | 'kept'): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const startMs = performance.now();
    const texts: string[] = [];
    const stdio = output === 'shown' ? 'inherit' : 'pipe';
    const child = spawn(program, flags, { stdio, env: environment });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => texts.push(text));
    const end = (isGood: boolean, why = ''): void => {
      const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
      const text = isGood ? '' : `\n${texts.join('')}${why}`;
      process.stdout.write(
        `check: ${name} ${isGood ? 'passed' : 'failed'} in ${seconds} s${text}\n`,
      );
      resolve(isGood ? [] : [name]);
    };
    child.once('error', (error) => {
      end(false, error.message);
    });
    child.once('close', (code) => {
      end(code === 0);
    });
  });
}

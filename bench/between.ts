/**
 * `npm run bench:between -- --base COMMIT [--turns 2] -- ingest --kind metrics --servers varve`: a bench of this folder at another commit and
 * at that of now, in turns, each in a checkout of its own with bundles of its own, so that neither edits nor stale bundles are in it. What
 * has become slower is seen so, which one commit's figures beside those of another day do not show.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: {
    base: { type: 'string' },
    /** Whose turn comes second; absent: what is checked out, without what is not committed. */
    commit: { type: 'string', default: 'HEAD' },
    turns: { type: 'string', default: '2' },
  },
  allowPositionals: true,
});
const [name, ...flags] = positionals;
if (values.base === undefined || name === undefined)
  throw new Error('npm run bench:between -- --base COMMIT -- NAME [its flags]');

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'varve-between-'));
const git = (...given: readonly string[]): string =>
  execFileSync('git', given, { cwd: root, encoding: 'utf8' }).trim();
const commits = [values.base, values.commit].map((one) => git('rev-parse', '--short', one));
/** Both share a commit where nothing is to be found; a checkout each all the same. */
const checkouts = commits.map((commit, i) => ({ commit, path: join(folder, `${i}-${commit}`) }));
try {
  for (const { commit, path } of checkouts) {
    git('worktree', 'add', '--quiet', '--detach', path, commit);
    cpSync(join(root, 'node_modules'), join(path, 'node_modules'), { recursive: true, verbatimSymlinks: true }); // prettier-ignore
    for (const script of ['build-kernels', 'build-bundles', 'warm-bundles'])
      execFileSync(process.execPath, [`scripts/${script}.ts`], { cwd: path, stdio: 'ignore' });
  }
  for (let turn = 0; turn < Number(values.turns); turn++)
    for (const { commit, path } of checkouts) {
      process.stdout.write(`== ${commit}\n`);
      const { status } = spawnSync(process.execPath, [`bench/${name}.ts`, ...flags], { cwd: path, stdio: 'inherit' }); // prettier-ignore
      if (status !== 0) process.exitCode = 1;
    }
} finally {
  for (const { path } of checkouts) git('worktree', 'remove', '--force', path);
  rmSync(folder, { recursive: true, force: true });
}

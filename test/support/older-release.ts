/**
 * An earlier release of ours as it was: its tree from the history of this repository, with the packages of this tree and kernels
 * built from its own sources. It is made once, beside what else is built.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
/** What a cluster is upgraded from. A release takes the place of the one before it here once it is tagged. */
const releaseCommit = '8d19af8d04f1502c91e840a71352647fb67adf64';

export interface OlderRelease {
  readonly commit: string;
  readonly root: string;
  /** `formVersion` of that tree: the latest form on disk that it starts over. */
  readonly formVersion: number;
}

/** What stands in the way, as a sentence, where the history is not here: a copy without `.git`, or a shallow one. */
export function olderRelease(): OlderRelease | string {
  const folder = join(root, 'build/releases');
  const release = join(folder, releaseCommit);
  if (!existsSync(release)) {
    const found = run('git', 'cat-file', '-e', `${releaseCommit}^{commit}`);
    if (found !== '') return `the earlier release ${releaseCommit.slice(0, 7)} is not in the history here: ${found}`; // prettier-ignore
    const pending = `${release}.${process.pid}`;
    mkdirSync(pending, { recursive: true });
    try {
      const failed = build(pending);
      if (failed !== '') throw new Error(`the earlier release ${releaseCommit}: ${failed}`);
      renameSync(pending, release);
    } finally {
      rmSync(pending, { recursive: true, force: true });
    }
  }
  const source = readFileSync(join(release, 'src/server/form-mark.ts'), 'utf8');
  const [, version = '0'] = /^export const formVersion = (\d+);$/m.exec(source) ?? [];
  return { commit: releaseCommit, root: release, formVersion: Number(version) };
}

function build(folder: string): string {
  const archive = join(folder, 'release.tar');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return (
    run('git', 'archive', '--output', archive, releaseCommit) ||
    run('tar', '-x', '-f', archive, '-C', folder) ||
    run(process.execPath, join(folder, 'scripts/build-kernels.ts'))
  );
}

/** '' when it went well, else what it said. */
function run(command: string, ...args: readonly string[]): string {
  const { status, error, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (status === 0) return '';
  return error?.message ?? (stderr.trim() || `${command} exits with ${status}`);
}

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

/** The folder of its tree; where it cannot be had, what stands in the way. */
export type OlderRelease = { readonly root: string } | { readonly lacks: string };

/**
 * It is not to be had in a copy without `.git` and in a shallow one. Throws where this tree has its packages no longer: what no source needs
 * any more stays among those for development until a later release takes its place.
 */
export function olderRelease(): OlderRelease {
  const release = join(root, 'build/releases', releaseCommit);
  if (existsSync(release)) return { root: release };
  const found = run('git', 'cat-file', '-e', `${releaseCommit}^{commit}`);
  if (found !== '') return { lacks: `${releaseCommit.slice(0, 7)} is not in the history here: ${found}` }; // prettier-ignore
  const pending = `${release}.${process.pid}`;
  mkdirSync(pending, { recursive: true });
  try {
    const failed = build(pending);
    if (failed !== '') throw new Error(`the earlier release ${releaseCommit}: ${failed}`);
    const away = packagesOf(pending).filter(
      (name) => !existsSync(join(root, 'node_modules', name)),
    );
    if (away.length > 0)
      throw new Error(`the earlier release ${releaseCommit} needs packages that are not here: ${away.join(', ')}`); // prettier-ignore
    renameSync(pending, release);
    return { root: release };
  } finally {
    rmSync(pending, { recursive: true, force: true });
  }
}

function packagesOf(folder: string): readonly string[] {
  const text = readFileSync(join(folder, 'package.json'), 'utf8');
  return Object.keys((JSON.parse(text) as { dependencies: object }).dependencies);
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

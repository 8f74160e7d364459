/** What a check of single files has to look at, as git tells it. */
import { execFileSync } from 'node:child_process';

/** What decides how every file has to look. */
const settings = ['.prettierrc.json', '.prettierignore', 'package-lock.json'];

/**
 * Files that differ from what `base` had when this branch left it, committed or not; undefined when that cannot be told, or when
 * every file may be judged otherwise than it was there.
 */
export function changedFiles(base: string, folder = '.'): readonly string[] | undefined {
  const git = (...flags: readonly string[]): readonly string[] => {
    const text = execFileSync('git', flags, {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.split(/[\0\n]/).filter((line) => line !== '');
  };
  try {
    const [fork = ''] = git('merge-base', 'HEAD', base);
    const files = [
      ...git('diff', '--name-only', '--no-renames', '-z', '--diff-filter=d', fork),
      ...git('ls-files', '--others', '--exclude-standard', '-z'),
    ];
    return files.some((file) => settings.includes(file)) ? undefined : files;
  } catch {
    return undefined;
  }
}

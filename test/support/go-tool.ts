import { spawnSync } from 'node:child_process';
import { expect } from 'vitest';

const go = ['go', '/usr/local/go/bin/go'].find((path) => spawnSync(path, ['version']).status === 0);
if (go === undefined) process.stderr.write('without go: what go tool pprof says of profiles is not looked at\n'); // prettier-ignore

/** What `go tool pprof` prints of a profile, which it has to open; undefined on a machine without it. */
export function goTool(how: string, path: string): string | undefined {
  if (go === undefined) return undefined;
  const { status, stdout, stderr } = spawnSync(go, ['tool', 'pprof', how, path], { encoding: 'utf8' }); // prettier-ignore
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

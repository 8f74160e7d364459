/**
 * Writes `testdata/inspect.json`: what the reference's influx_inspect says to each of `inspectCommands`.
 * `node test/golden/record-inspect.ts /path/to/influx_inspect`
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparable, inspectCommands } from './inspect-commands.ts';

const [, , program = 'influx_inspect'] = process.argv;
const cwd = join(import.meta.dirname, 'testdata/influx-folders');
const answers = inspectCommands.map((args) => {
  const env = { ...process.env, HOME: '/home/user', TZ: 'UTC' };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  return comparable(args, { code: status ?? -1, out: stdout, err: stderr });
});
writeFileSync(join(cwd, '../inspect.json'), `${JSON.stringify(answers, null, 1)}\n`);

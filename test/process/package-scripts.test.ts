import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const packaging = join(import.meta.dirname, '../../packaging');
const service = 'influxdb';
let machine = '';
const units = (): string => join(machine, 'etc/systemd/system');
const wanted = (): string => join(units(), `multi-user.target.wants/${service}.service`);
const unit = (): string => join(machine, 'lib/systemd/system', `${service}.service`);

beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), 'machine-'));
  for (const folder of ['run/systemd/system', 'lib/systemd/system', 'etc/systemd/system/multi-user.target.wants', 'usr/lib', 'var/lib/influxdb', 'bin']) mkdirSync(join(machine, folder), { recursive: true }); // prettier-ignore
  writeFileSync(join(machine, 'bin/getent'), '#!/bin/sh\n');
  // Whether it starts with the machine is a link for it too; nothing is ever active.
  writeFileSync(
    join(machine, 'bin/systemctl'),
    `#!/bin/sh
case $1 in
  enable) ln -sf ${unit()} ${wanted()} ;;
  disable) rm -f ${wanted()} ;;
  is-active) exit 3 ;;
esac
`,
  );
  for (const command of ['getent', 'systemctl']) chmodSync(join(machine, 'bin', command), 0o755);
});
afterEach(() => {
  rmSync(machine, { recursive: true });
});

/** Runs a script of dpkg, on a machine that is a folder. */
function run(script: 'postinst' | 'prerm' | 'postrm', ...args: readonly string[]): void {
  const text = readFileSync(join(packaging, script), 'utf8')
    .replaceAll('@SERVICE@', service)
    .replaceAll('@PACKAGE@', 'varve-data')
    .replaceAll(/(?<=\s)\/(?=(run|lib|etc|usr|var)\/)/g, `${machine}/`);
  const path = `${join(machine, 'bin')}:${process.env['PATH'] ?? ''}`;
  const { status, stderr } = spawnSync('/bin/sh', ['-c', text, script, ...args], { encoding: 'utf8', env: { PATH: path } }); // prettier-ignore
  expect(`${stderr}${status}`).toBe('0');
}

const install = (versionBefore = ''): void => {
  writeFileSync(unit(), '');
  run('postinst', 'configure', versionBefore);
};
const remove = (): void => {
  run('prerm', 'remove');
  rmSync(unit());
  run('postrm', 'remove');
};

test('packages: a node that was removed and installed again starts with the machine as before', () => {
  install();
  expect(existsSync(wanted())).toBe(true);
  remove();
  // So dpkg says it, as long as the configuration is there.
  install('1.12.4');
  expect(existsSync(wanted())).toBe(true);
});

test('packages: what an operator has disabled stays so through upgrades, a removal and an installation', () => {
  install();
  rmSync(wanted());
  run('prerm', 'upgrade', '1.12.5');
  install('1.12.4');
  remove();
  install('1.12.5');
  expect(existsSync(wanted())).toBe(false);
});

test('packages: a purge leaves no link to the unit, and those of another package with the same one alone', () => {
  install();
  symlinkSync(unit(), join(units(), 'influxd.service'));
  remove();
  writeFileSync(unit(), 'of another package');
  run('postrm', 'purge');
  expect(existsSync(wanted())).toBe(true);
  rmSync(unit());
  run('postrm', 'purge');
  const left = spawnSync('find', [units(), '-type', 'l'], { encoding: 'utf8' }).stdout;
  expect(left).toBe('');
});

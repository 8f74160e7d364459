/**
 * `npm run package`: what is installed on machines that have neither Node nor npm, in `build/packages` (`--out DIR`): an archive with all
 * programs, and the Debian packages `varve-data` and `varve-meta` where `dpkg-deb` is there. Each brings the pinned Node, bundles with their
 * compiled code, and the packages that bundles load from beside them (packaging/README.md, docs/operating/installing.md).
 * `--fast` compresses little or nothing; `--only NAME`, `data`, `meta` or `archive`, leaves the others out; `--dist DIR` has bundles that are not those of `npm run build`.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../src/server/daemon/version.ts';
import { licencesOf, neededPackages, readManifest } from './runtime-packages.ts';

interface Programs {
  readonly commands: readonly string[];
  readonly bundles: readonly string[];
  /** What those load from beside them (scripts/build-bundles.ts). */
  readonly packages: readonly string[];
}

interface DebianPackage {
  readonly programs: Programs;
  readonly service: string;
  /** In `packaging`. */
  readonly folder: string;
}

const root = join(import.meta.dirname, '..');
const packaging = join(root, 'packaging');
const nodePackage = `node-linux-${process.arch}`;
const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
const data: Programs = {
  commands: ['influxd', 'influx_inspect'],
  bundles: ['main-data', 'main-inspect', 'engine-worker', 'bcrypt-thread'],
  packages: ['classic-level', 'snappy'],
};
const meta: Programs = {
  commands: ['influxd-meta', 'influxd-ctl', 'influxd-license'],
  bundles: ['main-meta', 'main-ctl', 'main-license', 'bcrypt-thread'],
  packages: ['classic-level', '@aws-sdk/client-s3', '@aws-sdk/lib-storage'],
};
const all: Programs = {
  commands: [...data.commands, ...meta.commands],
  bundles: [...new Set([...data.bundles, ...meta.bundles])],
  packages: [...new Set([...data.packages, ...meta.packages])],
};
const debianPackages: Readonly<Record<string, DebianPackage>> = {
  'varve-data': { programs: data, service: 'influxdb', folder: 'data' },
  'varve-meta': { programs: meta, service: 'influxdb-meta', folder: 'meta' },
};

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'build/packages') },
    fast: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    dist: { type: 'string', default: join(root, 'dist') },
  },
});
mustBeBuilt();
mkdirSync(values.out, { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'varve-package-'));
try {
  if (isWanted('archive')) makeArchive();
  const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0;
  if (!hasDpkg) process.stderr.write('no Debian packages: there is no dpkg-deb here\n');
  else for (const [name, one] of Object.entries(debianPackages)) if (isWanted(one.folder)) makeDebian(name, one); // prettier-ignore
} finally {
  rmSync(work, { recursive: true, force: true });
}

function isWanted(name: string): boolean {
  return values.only?.includes(name) ?? true;
}

/** Bundles are those of the sources as they are, and have their compiled code. */
function mustBeBuilt(): void {
  const { mtimeMs } = lstatSync(join(values.dist, 'built'));
  const newer = (path: string): boolean => /\.ts$/.test(path) && lstatSync(path).mtimeMs > mtimeMs;
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const one = files.map((file) => join(root, 'src', file)).find(newer);
  if (one !== undefined) throw new Error(`${relative(root, one)} is newer than the bundles: npm run build`); // prettier-ignore
}

/** A folder with programs that runs wherever it lies: `bin`, and what is behind it as in a checkout. */
function stagePrograms(folder: string, { commands, bundles, packages }: Programs): void {
  const copy = (path: string, from = join(root, path)): void => {
    cpSync(from, join(folder, path), {
      recursive: true,
      preserveTimestamps: true,
      filter: isNeeded,
    });
  };
  for (const command of [...commands, 'run-main.sh']) copy(join('bin', command));
  for (const bundle of [...bundles, 'load.js', 'package.json', 'built']) copy(join('dist', bundle), join(values.dist, bundle)); // prettier-ignore
  copy('src/kernels/gen/kernels.wasm');
  copy('package-lock.json');
  for (const { folder: needed } of neededPackages(root, packages)) copy(needed);
  copy(join('node_modules', nodePackage, 'bin/node'));
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(`../${nodePackage}/bin/node`, join(folder, 'node_modules/.bin/node'));
  // Bundles count while nothing is newer (bin/run-main.sh).
  const now = new Date();
  utimesSync(join(folder, 'dist/built'), now, now);
}

/** Neither types nor sources of machine code, nor that of other machines. */
function isNeeded(path: string): boolean {
  if (/\.(d\.[cm]?ts|map|md)$|\/(dist-types|deps)$|\/binding\.(cc|gyp)$/.test(path)) return false;
  const [, machine] = /\/prebuilds\/([^/]+)$/.exec(path) ?? [];
  return machine === undefined || machine === `linux-${process.arch}`;
}

function stageDocuments(folder: string): void {
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'docs/operating'), folder, { recursive: true });
  const [ours, nodes] = [join(root, 'LICENSE'), join(root, 'node_modules', nodePackage, 'LICENSE')];
  const theirs = licencesOf(root, neededPackages(root, Object.keys(dependencies())));
  const node = existsSync(nodes) ? readFileSync(nodes, 'utf8') : '';
  writeFileSync(join(folder, 'copyright'), [readFileSync(ours, 'utf8'), theirs, `node ${process.version}\n\n${node}`].join(`\n${'-'.repeat(80)}\n\n`)); // prettier-ignore
}

function dependencies(): Readonly<Record<string, string>> {
  return readManifest(root).dependencies ?? {};
}

function makeArchive(): void {
  const name = `varve-${version}`;
  const folder = join(work, name);
  stagePrograms(folder, all);
  stageDocuments(join(folder, 'doc'));
  for (const { folder: of, service } of Object.values(debianPackages)) {
    place(join(packaging, of, `${service}.service`), join(folder, 'systemd', `${service}.service`));
    place(join(packaging, of, confOf(service)), join(folder, 'etc', confOf(service)));
  }
  const path = join(values.out, `varve_${version}_linux_${architecture}.tar.gz`);
  const compression = values.fast ? 'gzip -1' : 'gzip -9';
  openToAll(folder);
  run('tar', ['--create', `--use-compress-program=${compression}`, `--file=${path}`, '--owner=root:0', '--group=root:0', '--sort=name', `--directory=${work}`, name]); // prettier-ignore
  process.stdout.write(`${path}\n`);
}

function makeDebian(name: string, { programs, service, folder: of }: DebianPackage): void {
  const folder = join(work, name);
  const library = join('usr/lib', name);
  stagePrograms(join(folder, library), programs);
  mkdirSync(join(folder, 'usr/bin'), { recursive: true });
  for (const command of programs.commands)
    symlinkSync(join('../lib', name, 'bin', command), join(folder, 'usr/bin', command));
  stageDocuments(join(folder, 'usr/share/doc', name));
  const from = join(packaging, of);
  place(join(from, `${service}.service`), join(folder, 'lib/systemd/system', `${service}.service`));
  const configuration = [`/etc/influxdb/${confOf(service)}`, `/etc/default/${service}`];
  place(join(from, confOf(service)), join(folder, configuration[0] ?? ''));
  place(join(from, 'default'), join(folder, configuration[1] ?? ''));
  const control = readFileSync(join(from, 'control'), 'utf8');
  const fields = `Version: ${version}\nArchitecture: ${architecture}\nMaintainer: Varve <root@localhost>\nSection: database\nPriority: optional\nDepends: libc6 (>= 2.28), libstdc++6, passwd\nInstalled-Size: ${Math.ceil(sizeOf(folder) / 1024)}\n`; // prettier-ignore
  const debian = join(folder, 'DEBIAN');
  mkdirSync(debian);
  writeFileSync(join(debian, 'control'), control.replace('Description:', `${fields}Description:`));
  writeFileSync(join(debian, 'conffiles'), `${configuration.join('\n')}\n`);
  for (const script of ['postinst', 'prerm', 'postrm']) {
    const text = readFileSync(join(packaging, script), 'utf8')
      .replaceAll('@SERVICE@', service)
      .replaceAll('@PACKAGE@', name);
    writeFileSync(join(debian, script), text, { mode: 0o755 });
  }
  const path = join(values.out, `${name}_${version}_${architecture}.deb`);
  const compression = values.fast ? ['-Znone'] : ['-Zxz', '-z2'];
  openToAll(folder);
  run('dpkg-deb', ['--root-owner-group', ...compression, '--build', folder, path]);
  process.stdout.write(`${path}\n`);
}

function confOf(service: string): string {
  return `${service}.conf`;
}

/** A file of its own beside others, readable by all. */
function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
  chmodSync(to, 0o644);
}

/** Nodes run as a user of their own, whatever whoever packages lets others see. */
function openToAll(folder: string): void {
  run('chmod', ['-R', 'u+rwX,go=rX', folder]);
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.reduce((sum, file) => sum + lstatSync(join(folder, file)).size, 0);
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
}

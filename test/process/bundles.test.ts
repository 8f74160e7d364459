import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const temporary: string[] = [];
afterAll(() => {
  for (const folder of temporary) rmSync(folder, { recursive: true });
});

function run(command: string, args: readonly string[]): { output: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8' });
  return { output: stdout + stderr, status };
}

test('bundles: each program says the same as its sources', () => {
  const out = mkdtempSync(join(root, 'dist-'));
  temporary.push(out);
  const built = run(process.execPath, [join(root, 'scripts/build-bundles.ts'), '--out', out]);
  expect(built).toEqual({ output: '', status: 0 });
  const flags = ['--disable-warning=ExperimentalWarning'];
  for (const [main, ...args] of [
    ['main-data', 'version'],
    ['main-data', 'config'],
    ['main-data', 'import-oss', '-help'],
    ['main-data', 'import-oss', '-from', '/nowhere'],
    ['main-meta', 'config'],
    ['main-ctl', 'help'],
    ['main-inspect', 'help'],
    ['main-license', 'help'],
  ] as const) {
    const bundle = run(process.execPath, [...flags, join(out, main, `${main}.js`), ...args]);
    expect(bundle).toEqual(run(process.execPath, [...flags, join(root, `src/server/main/${main}.ts`), ...args])); // prettier-ignore
    expect(bundle.output).not.toContain('ERR_MODULE');
  }
  expectCodeToBeKept(join(out, 'main-inspect'));
});

/** Code that was compiled is kept and taken again; where it is damaged the program is compiled from its source, and it is kept anew. */
function expectCodeToBeKept(folder: string): void {
  const says = () => run(process.execPath, [join(folder, 'main-inspect.js'), 'help']);
  const said = says();
  expect(said.output).toContain('Usage: influx_inspect');
  const kept = readdirSync(folder).filter((name) => name.endsWith('.code'));
  expect(kept).toHaveLength(1);
  const path = join(folder, kept[0] ?? '');
  const whole = readFileSync(path);
  const flipped = (at: number): Buffer => {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
    return bytes;
  };
  const damaged = [0, 100, whole.length >> 1, whole.length - 1].map(flipped);
  for (const bytes of [
    ...damaged,
    Buffer.alloc(0),
    whole.subarray(0, 3),
    whole.subarray(0, 5_000),
  ]) {
    // prettier-ignore
    writeFileSync(path, bytes);
    expect(says()).toEqual(said);
    const again = readFileSync(path);
    expect(crc32(again.subarray(4))).toBe(again.readUInt32LE(0));
  }
  expect(readdirSync(folder).filter((name) => name.endsWith('.code'))).toEqual(kept);
  // Of one that died while it wrote, and of one that runs.
  const ended = spawnSync(process.execPath, ['--version']).pid;
  for (const writer of [ended, process.pid]) writeFileSync(`${path}.${writer}-0`, 'some of it');
  expect(says()).toEqual(said);
  const unfinished = readdirSync(folder).filter((name) => name.includes('.code.'));
  expect(unfinished).toEqual([`${kept[0]}.${process.pid}-0`]);
}

test('bundles: they count while they are there and no source is newer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-bundles-'));
  temporary.push(folder);
  for (const name of ['bin', 'src/server/main', 'dist/main-data'])
    mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['influxd', 'run-main.sh'])
    copyFileSync(join(root, 'bin', name), join(folder, 'bin', name));
  const write = (name: string, text: string, atSeconds: number): void => {
    writeFileSync(join(folder, name), text);
    utimesSync(join(folder, name), atSeconds, atSeconds);
  };
  const says = () => run(join(folder, 'bin/influxd'), []).output.trim();
  write('package.json', '{"type":"module"}', 1_000);
  write('package-lock.json', '{}', 1_000);
  write('src/server/main/main-data.ts', "process.stdout.write('source')", 1_000);
  expect(says()).toBe('source');
  write('dist/main-data/main-data.js', "process.stdout.write('bundle')", 2_000);
  expect(says()).toBe('source');
  write('dist/built', '', 2_000);
  expect(says()).toBe('bundle');
  write('src/server/other.ts', '', 3_000);
  expect(says()).toBe('source');
  write('src/server/other.ts', '', 1_000);
  expect(says()).toBe('bundle');
  write('package-lock.json', '{}', 3_000);
  expect(says()).toBe('source');
});

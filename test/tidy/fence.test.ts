import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Each planted file breaks one rule of the floor plan, named beside it. */
const planted: readonly { path: string; text: string; rule: string }[] = [
  { path: 'src/base/up.ts', text: "import '../query/target.ts';", rule: 'floor-of-base' },
  {
    path: 'src/query/sideways.ts',
    text: "import '../storage/wal/target.ts';",
    rule: 'floor-of-query',
  },
  {
    path: 'src/storage/wal/sideways.ts',
    text: "import '../tsm/target.ts';",
    rule: 'floor-of-storage/wal',
  },
  {
    path: 'src/storage/wal/up.ts',
    text: "import '../engine/target.ts';",
    rule: 'floor-of-storage/wal',
  },
  {
    path: 'src/meta/model/wing.ts',
    text: "import '../../storage/wal/target.ts';",
    rule: 'floor-of-meta/model',
  },
  {
    path: 'src/data/write/private.ts',
    text: "import '../../meta/server/target.ts';",
    rule: 'package-has-one-owner',
  },
  {
    path: 'src/data/engine/up.ts',
    text: "import '../write/target.ts';",
    rule: 'floor-of-data/engine',
  },
  { path: 'src/drawer/lost.ts', text: "import '../base/up.ts';", rule: 'folder-not-on-the-plan' },
  { path: 'src/stray.ts', text: "import './base/up.ts';", rule: 'folder-not-on-the-plan' },
  {
    path: 'src/hh/real.ts',
    text: "import '../env/node/target.ts';",
    rule: 'real-env-only-at-the-top',
  },
  { path: 'src/query/reads.ts', text: "import 'node:fs';", rule: 'package-has-one-owner' },
  { path: 'src/data/write/web.ts', text: "import 'fastify';", rule: 'package-has-one-owner' },
  { path: 'src/data/write/unowned.ts', text: "import 'prettier';", rule: 'package-has-no-owner' },
  { path: 'src/query/orphan.ts', text: 'export const orphan = 1;', rule: 'no-orphan' },
  { path: 'src/query/a.ts', text: "import './b.ts';", rule: 'no-cycle' },
  { path: 'src/query/tests.ts', text: "import './x.test.ts';", rule: 'not-from-a-test' },
  { path: 'src/query/outside.ts', text: "import '../../test/target.ts';", rule: 'src-not-to-test' },
];

const support: readonly { path: string; text: string }[] = [
  ...[
    'query',
    'storage/wal',
    'storage/tsm',
    'storage/engine',
    'meta/server',
    'env/node',
    'data/write',
  ].map((folder) => ({ path: `src/${folder}/target.ts`, text: 'export {};' })),
  { path: 'src/query/b.ts', text: "import './a.ts';" },
  { path: 'src/query/x.test.ts', text: 'export {};' },
  { path: 'test/target.ts', text: 'export {};' },
];

let folder = '';
let violations: readonly { from: string; rule: { name: string } }[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-fence-'));
  for (const name of ['floors.json', '.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
    cpSync(join(root, name), join(folder, name));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const { path, text } of [...planted, ...support]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  }
  const cruised = spawnSync(
    join(root, 'node_modules/.bin/depcruise'),
    ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 64 << 20 },
  );
  const report = JSON.parse(cruised.stdout) as { summary: { violations: typeof violations } };
  violations = report.summary.violations;
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each(planted)('fence: $path breaks $rule', ({ path, rule }) => {
  const found = violations.filter((violation) => violation.from === path);
  expect(found.map((violation) => violation.rule.name)).toContain(rule);
});

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runScript } from '../../test/support/datadriven.ts';
import { RaftScript } from '../../test/support/raft-script.ts';

const folder = new URL('testdata/', import.meta.url).pathname;
const names = readdirSync(folder).filter((name) => name.endsWith('.txt'));

test.each(names)('raft script: %s', (name) => {
  const script = new RaftScript();
  runScript(`${folder}${name}`, (step) => script.run(step));
});

test('raft scripts: there are some', () => {
  expect(names.length).toBeGreaterThan(9);
});

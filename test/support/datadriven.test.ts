import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseScript, runScript, type ScriptStep } from './datadriven.ts';

const script = `# A story.
add 1 2 times=3
----
9

# With input.

text
one
two
----

fail
----
error: no such command
`;

function calculate({ command, words, options, input }: ScriptStep): string {
  if (command === 'add')
    return String(words.map(Number).reduce((a, b) => a + b) * Number(options.get('times')));
  if (command === 'text') return input === 'one\ntwo' ? '' : 'other';
  throw new Error('no such command');
}

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'script-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'script.txt');
  writeFileSync(path, text);
  return path;
}

test('golden script: commands, options, input, answers and errors', () => {
  runScript(fileOf(script), calculate);
});

test('golden script: another answer fails, with file and line', () => {
  const path = fileOf(script.replace('9', '8'));
  expect(() => {
    runScript(path, calculate);
  }).toThrow(`${path}:2: add`);
});

test('golden script: rewriting keeps comments and puts the present answers', () => {
  const path = fileOf(script.replace('9', '8').replace('no such', 'some other'));
  process.env['VARVE_REWRITE'] = '1';
  onTestFinished(() => {
    delete process.env['VARVE_REWRITE'];
  });
  runScript(path, calculate);
  expect(readFileSync(path, 'utf8')).toBe(script);
});

test('golden script: a command without its divider is refused', () => {
  expect(() => parseScript('add 1 2\n', 'x.txt')).toThrow('x.txt:1: no ---- after a command');
});

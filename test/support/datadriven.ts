import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

/**
 * Golden scripts: a command with `name=value` options, lines of input if it takes any, `----`, what it answered, and a
 * blank line. Lines that begin with `#` between steps tell the story. `VARVE_REWRITE=1` writes the present answers into
 * the file; the diff is the review.
 */
export interface ScriptStep {
  /** The whole command, as written. */
  readonly text: string;
  readonly command: string;
  /** What follows the command, options aside. */
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  readonly input: string;
}

interface ParsedStep extends ScriptStep {
  /** Comments, the command and its input, as written. */
  readonly head: readonly string[];
  readonly expected: string;
  readonly line: number;
}

const divider = '----';

/** Runs the steps of a file in order; fails at the first whose answer is another than the file has. */
export function runScript(path: string, run: (step: ScriptStep) => string): void {
  const { steps, tail } = parseScript(readFileSync(path, 'utf8'), path);
  const answered: string[] = [];
  const isRewriting = process.env['VARVE_REWRITE'] === '1';
  for (const step of steps) {
    const answer = answerOf(step, run);
    if (/\n\s*\n/.test(answer)) throw new Error(`${path}:${step.line}: a blank line in an answer`);
    if (!isRewriting) expect(answer, `${path}:${step.line}: ${step.command}`).toBe(step.expected);
    answered.push([...step.head, divider, ...(answer === '' ? [] : [answer]), ''].join('\n'));
  }
  if (isRewriting) writeFileSync(path, [...answered, ...tail].join('\n').trimEnd() + '\n');
}

/** An error is an answer too: scripts show refusals. */
function answerOf(step: ScriptStep, run: (step: ScriptStep) => string): string {
  try {
    return run(step).trimEnd();
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function parseScript(
  text: string,
  path: string,
): { readonly steps: readonly ParsedStep[]; readonly tail: readonly string[] } {
  const lines = text.split('\n');
  const steps: ParsedStep[] = [];
  let head: string[] = [];
  let at = 0;
  const take = (isEnd: (line: string) => boolean): string[] => {
    const start = at;
    while (at < lines.length && !isEnd(lines[at] ?? '')) at++;
    return lines.slice(start, at);
  };
  while (at < lines.length) {
    head.push(...take((line) => line !== '' && !line.startsWith('#')));
    if (at >= lines.length) break;
    const line = at + 1;
    const [commandLine = '', ...input] = take((candidate) => candidate === divider);
    if (lines[at] !== divider) throw new Error(`${path}:${line}: no ${divider} after a command`);
    at++;
    const expected = take((candidate) => candidate === '').join('\n');
    at++;
    head.push(commandLine, ...input);
    steps.push({ ...parseCommand(commandLine), input: input.join('\n'), head, expected, line });
    head = [];
  }
  return { steps, tail: head };
}

function parseCommand(line: string): Omit<ScriptStep, 'input'> {
  const [command = '', ...rest] = line.split(/\s+/).filter((word) => word !== '');
  const isOption = (word: string): boolean => /^[a-z-]+=/.test(word);
  const options = new Map(
    rest.filter(isOption).map((word) => {
      const split = word.indexOf('=');
      return [word.slice(0, split), word.slice(split + 1)] as const;
    }),
  );
  return { text: line, command, words: rest.filter((word) => !isOption(word)), options };
}

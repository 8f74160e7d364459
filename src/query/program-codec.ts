/** What a node is sent of a program (plan/program.ts) is checked here: every step is known, and the stack comes out even. */
import {
  checked,
  count,
  flag,
  list,
  oneOf,
  optional,
  plain,
  refused,
  text,
} from '../proto/field.ts';
import { checkMathArguments, isMathFunction } from './plan/math-functions.ts';
import type { Step } from './plan/program.ts';
import { checkValue } from './value-codec.ts';

/** A chain of conditions is as long as the text of its statement lets it be. */
const stepsMax = 1_000_000;
const patternLengthMax = 1 << 20;

const operator = oneOf(['+', '-', '*', '/', '%', '&', '|', '^', 'AND', 'OR', '=', '!=', '<', '<=', '>', '>=', '=~', '!~']); // prettier-ignore
const dataType = oneOf(['float', 'integer', 'unsigned', 'string', 'boolean', 'tag', 'field', 'time', 'duration']); // prettier-ignore
const fieldType = oneOf(['float', 'integer', 'unsigned', 'boolean', 'string']);
const value = checked((given, path) => (given === null ? null : checkValue(given, path)));
const name = text();
const mathName = checked((given, path) => {
  if (typeof given === 'string' && isMathFunction(given)) return given;
  throw refused(path, 'is no function of numbers');
});

/** Each kind's fields, how many values it takes from the stack, and each leaves one. */
const stepKinds = {
  input: plain({ index: count() }),
  constant: plain({ value }),
  binary: plain({ operator, left: optional(dataType), right: optional(dataType), isFloatDivision: flag }),
  match: plain({ pattern: text({ lengthMax: patternLengthMax }), negated: flag }),
  math: plain({ name: mathName, count: count({ max: 2 }), isUnsigned: flag }),
} satisfies Record<Step['kind'], unknown>; // prettier-ignore

const inputKinds = {
  field: plain({ name, type: fieldType }),
  tag: plain({ name }),
  constant: plain({ value }),
};

const head = plain({ type: optional(dataType), isMissingFalse: flag });
const inputs = list(
  checked((given, path) => knownKind(inputKinds, given, path)),
  { max: stepsMax },
);

/** The parts of a predicate of kind `program`. Throws `invalid_argument`. */
export function checkProgramPredicate(node: Readonly<Record<string, unknown>>, path: string): void {
  const inputCount = inputs.fromWire(node['inputs'], path).length;
  const { steps } = (node['program'] ?? {}) as { readonly steps?: unknown };
  head(node['program'], path);
  if (!Array.isArray(steps) || steps.length > stepsMax) throw refused(path, 'has no steps');
  let depth = 0;
  for (const given of steps as unknown[]) {
    knownKind(stepKinds, given, path);
    const step = given as Step;
    if (step.kind === 'input' && step.index >= inputCount) throw refused(path, 'reads beyond its inputs'); // prettier-ignore
    if (step.kind === 'math') checkMathArguments(step.name, step.count);
    depth -= takenBy(step);
    if (depth < 0) throw refused(path, 'takes more than there is');
    depth++;
  }
  if (depth !== 1) throw refused(path, 'does not leave one value');
}

function takenBy(step: Step): number {
  switch (step.kind) {
    case 'input':
    case 'constant':
      return 0;
    case 'match':
      return 1;
    case 'binary':
      return 2;
    case 'math':
      return step.count;
  }
}

type Check = (given: unknown, path: string) => unknown;

function knownKind(kinds: Readonly<Record<string, Check>>, given: unknown, path: string): void {
  const { kind } = (given ?? {}) as { readonly kind?: unknown };
  const check = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (check === undefined) throw refused(path, 'has a step of a kind that is not known');
  check(given, path);
}

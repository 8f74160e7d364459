/**
 * min(), max(), first() and last(): one point of the window. Of equal values the earliest counts, of equal times the
 * larger value (of booleans: true for last, false for first), of zeros of both signs the positive one.
 */
import type { ColumnType } from '../column.ts';
import { isPlusZero, precedes } from '../equal-values.ts';
import { cellAt, noPoints, type Cell } from './cells.ts';
import { checkCount, firstOf, unsupportedType } from './checks.ts';
import type { PlannedCall, Points, SelectorDefinition, Window, WindowReducer } from './function.ts';
import { pointAt, pointBytes, selectedPoints, type SelectedPoint } from './selected.ts';

/** Whether a point takes the place of the one that is held. */
type Beats = (value: Cell, timeNs: bigint, held: SelectedPoint) => boolean;

export const extremeFunctions: readonly SelectorDefinition[] = [
  extremeFunction('min', () => (value, timeNs, held) => {
    return (
      value < held.value ||
      (value === held.value && precedes(value, timeNs, held.value, held.timeNs))
    );
  }),
  extremeFunction('max', () => (value, timeNs, held) => {
    return (
      value > held.value ||
      (value === held.value && precedes(value, timeNs, held.value, held.timeNs))
    );
  }),
  extremeFunction('first', (type) => (value, timeNs, held) => {
    if (timeNs !== held.timeNs) return timeNs < held.timeNs;
    return type === 'boolean' ? value < held.value : isAbove(value, held.value);
  }),
  extremeFunction('last', () => (value, timeNs, held) => {
    return timeNs > held.timeNs || (timeNs === held.timeNs && isAbove(value, held.value));
  }),
];

function isAbove(value: Cell, held: Cell): boolean {
  return value > held || isPlusZero(value, held);
}

function extremeFunction(
  name: 'min' | 'max' | 'first' | 'last',
  beats: (type: ColumnType) => Beats,
): SelectorDefinition {
  return {
    kind: 'selector',
    name,
    merges: true,
    keepsTimes: false,
    check(args, context) {
      checkCount(name, args, 1);
      context.symbol(name, firstOf(args));
    },
    resultType(type) {
      const isOfValues = name === 'min' || name === 'max';
      if (isOfValues && type === 'string') throw unsupportedType(name, type);
      return type;
    },
    reducer: (call) => new Extreme(call, beats(call.argumentType)),
  };
}

class Extreme implements WindowReducer {
  readonly #call: PlannedCall;
  readonly #beats: Beats;
  #held: SelectedPoint | undefined;

  constructor(call: PlannedCall, beats: Beats) {
    this.#call = call;
    this.#beats = beats;
  }

  get heldBytes(): number {
    return 128 + (this.#held === undefined ? 0 : pointBytes(this.#held));
  }

  add(points: Points): void {
    const { timesNs, values } = points;
    for (let i = 0; i < timesNs.length; i++) {
      const held = this.#held;
      if (held === undefined || this.#beats(cellAt(values, i), timesNs[i] ?? 0n, held))
        this.#held = pointAt(points, i);
    }
  }

  finish(_window: Window): Points {
    const { argumentType, auxTypes } = this.#call;
    const held = this.#held;
    this.#held = undefined;
    return held === undefined
      ? noPoints(argumentType)
      : selectedPoints([held], argumentType, auxTypes);
  }
}

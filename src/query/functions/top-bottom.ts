/**
 * top() and bottom(): the n largest or smallest values of the window, each with its time; of equal values the earlier
 * ones. With tags named inside, the best point of each of their combinations takes part and no other. What is no number is
 * neither better nor worse than another value: which points stand beside it hangs on the steps of the heap, which are the reference's.
 */
import type { Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { compareCells } from './cells.ts';
import { firstOf, invalid, refuseUnordered } from './checks.ts';
import type { PlannedCall, Points, SelectorDefinition, Window, WindowReducer } from './function.ts';
import { exactDoubles, type NumberColumn } from './gathered-numbers.ts';
import { compareTimes } from './sample.ts';
import { pointAt, pointBytes, selectedPoints, type SelectedPoint } from './selected.ts';

export function topBottomFunction(name: 'top' | 'bottom'): SelectorDefinition {
  return {
    kind: 'selector',
    name,
    merges: false,
    keepsTimes: true,
    check(args, context) {
      checkArguments(name, args);
      context.symbol(name, firstOf(args));
    },
    resultType(type, args) {
      refuseUnordered(name, type, args.length > 2);
      return type;
    },
    reducer: (call) => new Best(call, name === 'top' ? -1 : 1),
  };
}

/** The limit of the statement, which `n` may not exceed, is not known here. */
function checkArguments(name: string, args: readonly Expr[]): void {
  if (args.length < 2)
    throw invalid(
      `invalid number of arguments for ${name}, expected at least 2, got ${args.length}`,
    );
  const last = args.at(-1);
  if (last?.kind !== 'integer')
    throw invalid(`expected integer as last argument in ${name}(), found ${said(last)}`);
  if (last.value <= 0n)
    throw invalid(`limit (${last.value}) in ${name} function must be at least 1`);
  const [field, ...inside] = args.slice(0, -1);
  if (field?.kind !== 'ref')
    throw invalid(`expected first argument to be a field in ${name}(), found ${said(field)}`);
  for (const one of inside)
    if (one.kind !== 'ref')
      throw invalid(`only fields or tags are allowed in ${name}(), found ${said(one)}`);
}

function said(expr: Expr | undefined): string {
  return expr === undefined ? '' : printExpr(expr);
}

class Best implements WindowReducer {
  readonly #call: PlannedCall;
  readonly #size: number;
  /** -1 when large values come first. */
  readonly #sign: 1 | -1;
  /** Worst first, as a heap: the first is what a better point replaces. */
  #heap: SelectedPoint[] = [];
  readonly #bestOf = new Map<string, SelectedPoint>();
  #heldBytes = 128;

  constructor(call: PlannedCall, sign: 1 | -1) {
    this.#call = call;
    const last = call.args.at(-1);
    this.#size = last?.kind === 'integer' ? Number(last.value) : 1;
    this.#sign = sign;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  add(points: Points): void {
    const { timesNs, values } = points;
    if (this.#call.auxInside > 0) {
      for (let i = 0; i < timesNs.length; i++) this.#keepBestOf(pointAt(points, i));
      return;
    }
    const doubles = exactDoubles((values as NumberColumn).values);
    for (let i = 0; i < timesNs.length; i++)
      if (doubles === undefined || !this.#isTooBad(doubles[i] ?? 0, timesNs[i] ?? 0n))
        this.#offer(pointAt(points, i));
  }

  /** Whether a point would be refused, as far as that shows without making it; most are. */
  #isTooBad(double: number, timeNs: bigint): boolean {
    if (this.#heap.length < this.#size) return false;
    const [worst] = this.#heap;
    if (worst === undefined) return false;
    const worstDouble = Number(worst.value);
    if (double === worstDouble) return timeNs >= worst.timeNs;
    return !(this.#sign === 1 ? double < worstDouble : double > worstDouble);
  }

  finish(_window: Window): Points {
    for (const point of this.#bestOf.values()) this.#offer(point);
    const { ascending, argumentType, auxTypes } = this.#call;
    const direction = ascending ? 1 : -1;
    const points = this.#heap.sort(
      (a, b) =>
        direction * compareTimes(a.timeNs, b.timeNs) || this.#sign * compareCells(a.value, b.value),
    );
    this.#heap = [];
    this.#bestOf.clear();
    this.#heldBytes = 128;
    return selectedPoints(points, argumentType, auxTypes);
  }

  #keepBestOf(point: SelectedPoint): void {
    const key = JSON.stringify(point.aux.slice(0, this.#call.auxInside).map(String));
    const held = this.#bestOf.get(key);
    if (held !== undefined && this.#compare(point, held) >= 0) return;
    this.#bestOf.set(key, point);
    this.#heldBytes +=
      pointBytes(point) + (held === undefined ? 2 * key.length + 64 : -pointBytes(held));
  }

  /** Less than zero when `left` comes before `right`. */
  #compare(left: SelectedPoint, right: SelectedPoint): number {
    return (
      this.#sign * compareCells(left.value, right.value) || compareTimes(left.timeNs, right.timeNs)
    );
  }

  #offer(point: SelectedPoint): void {
    if (this.#heap.length < this.#size) {
      this.#heap.push(point);
      this.#heldBytes += pointBytes(point);
      this.#rise(this.#heap.length - 1);
      return;
    }
    const [worst] = this.#heap;
    if (worst === undefined || !this.#isWorse(worst, point)) return;
    this.#heldBytes += pointBytes(point) - pointBytes(worst);
    this.#heap[0] = point;
    this.#sink();
  }

  #rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#isWorseAt(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ;) {
      let child = 2 * at + 1;
      if (child >= this.#heap.length) return;
      if (child + 1 < this.#heap.length && this.#isWorseAt(child + 1, child)) child++;
      if (!this.#isWorseAt(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #isWorseAt(left: number, right: number): boolean {
    const [a, b] = [this.#heap[left], this.#heap[right]];
    return a !== undefined && b !== undefined && this.#isWorse(a, b);
  }

  /** False both ways where one of them is no number. */
  #isWorse(left: SelectedPoint, right: SelectedPoint): boolean {
    if (left.value === right.value) return left.timeNs > right.timeNs;
    return this.#sign === 1 ? left.value > right.value : left.value < right.value;
  }

  #swap(left: number, right: number): void {
    const [a, b] = [this.#heap[left], this.#heap[right]];
    if (a !== undefined) this.#heap[right] = a;
    if (b !== undefined) this.#heap[left] = b;
  }
}

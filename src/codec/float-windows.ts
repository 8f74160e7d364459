/**
 * Chooses the windows of bits in which changes of floats are written (floats.ts). The reference opens a window when a change is
 * not within the last one, and never goes back to a narrower one: here the next few changes are looked at before one is opened,
 * and a narrower one is opened where it saves more than it costs. Readers are told of each window: any choice is read.
 *
 * Invariants:
 * - blocks are never longer than the reference's, whose way is taken where looking ahead gains nothing.
 *
 * Twin: planWindows of kernels/assembly, which this equals.
 */

/** Changes that a window is chosen by: 16 save hardly more, 4 half as much where values creep. */
const ahead = 8;
/** Bits of a change beside its window, and of what opens another one. */
const markBits = 2;
const openBits = 11;
/** The count of leading zeros has five bits. */
const leadMax = 31;
/** A window that is less wider than a change costs less than another one saves. */
const wasteMin = 3;

/** Leading and trailing zeros of 64 bits, of each change that is one. */
export interface Zeros {
  readonly leads: Uint8Array;
  readonly tails: Uint8Array;
}

export interface Window {
  readonly lead: number;
  readonly tail: number;
}

interface Plan {
  /** For each change the window that it opens; undefined where the last one stays. */
  readonly windows: readonly (Window | undefined)[];
  readonly bits: number;
}

/** Closely, with a look ahead, or quickly, the reference's way. */
export function planWindows(zeros: Zeros, isClose: boolean): readonly (Window | undefined)[] {
  const simple = planned(zeros, (i, last) => simply(zeros, i, last));
  if (!isClose) return simple.windows;
  const looked = planned(zeros, (i, last) => lookedAhead(zeros, i, last));
  return (looked.bits > simple.bits ? simple : looked).windows;
}

function planned(
  { leads }: Zeros,
  next: (i: number, last: Window | undefined) => Window | undefined,
): Plan {
  let bits = 0;
  let last: Window | undefined;
  const windows = Array.from(leads, (_, i) => {
    const opened = next(i, last);
    last = opened ?? last;
    bits += markBits + (opened === undefined ? 0 : openBits) + widthOf(last ?? nothing);
    return opened;
  });
  return { windows, bits };
}

const nothing: Window = { lead: 0, tail: 0 };

function widthOf({ lead, tail }: Window): number {
  return 64 - lead - tail;
}

function holds(last: Window, own: Window): boolean {
  return own.lead >= last.lead && own.tail >= last.tail;
}

/** As the reference does: the count of leading zeros wraps. */
function simply({ leads, tails }: Zeros, i: number, last: Window | undefined): Window | undefined {
  const own = { lead: (leads[i] ?? 0) & leadMax, tail: tails[i] ?? 0 };
  return last !== undefined && holds(last, own) ? undefined : own;
}

function lookedAhead(zeros: Zeros, i: number, last: Window | undefined): Window | undefined {
  const [own = nothing] = unions(zeros, i);
  if (last === undefined || !holds(last, own)) return cheapest(zeros, i);
  return widthOf(own) + wasteMin <= widthOf(last) ? saving(zeros, i, widthOf(last)) : undefined;
}

/** Of windows that hold the next few changes, the one that costs least for each of them. */
function cheapest(zeros: Zeros, from: number): Window {
  let least = nothing;
  let [leastBits, leastCount] = [0, 0];
  for (const [i, window] of unions(zeros, from).entries()) {
    const count = i + 1;
    const bits = openBits + count * widthOf(window);
    if (leastCount > 0 && bits * leastCount >= leastBits * count) continue;
    least = window;
    [leastBits, leastCount] = [bits, count];
  }
  return least;
}

/** A narrower window that saves more than it costs; one for the way back as well, unless no change is left then. */
function saving(zeros: Zeros, from: number, width: number): Window | undefined {
  return unions(zeros, from).find((window, i) => {
    const isLast = from + i + 1 === zeros.leads.length;
    return (i + 1) * (width - widthOf(window)) > (isLast ? openBits : openBits * 2);
  });
}

/** The windows that hold a change, it and the next one, and so on. */
function unions({ leads, tails }: Zeros, from: number): readonly Window[] {
  let [lead, tail] = [64, 64];
  return Array.from(leads.subarray(from, from + ahead), (own, i) => {
    lead = Math.min(lead, own, leadMax);
    tail = Math.min(tail, tails[from + i] ?? 0);
    return { lead, tail };
  });
}

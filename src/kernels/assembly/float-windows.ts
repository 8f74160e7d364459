// Chooses the windows of bits in which changes of floats are written. Twin: planWindows of codec/, which this equals.

/** Changes that a window is chosen by. */
const ahead: u32 = 8;
/** Bits of a change beside its window, and of what opens another one. */
const markBits: u32 = 2;
const openBits: u32 = 11;
/** The count of leading zeros has five bits. */
const leadMax: u32 = 31;
/** A window that is less wider than a change costs less than another one saves. */
const wasteMin: u32 = 3;
/** In the lists of a plan: the window stays. */
export const windowStays: u8 = 255;

/** Bits of a window of so many leading and trailing zeros. */
// @ts-ignore: decorator
@inline
function widthOf(lead: u32, tail: u32): u32 {
  return 64 - lead - tail;
}

// @ts-ignore: decorator
@inline
function leadOf(at: usize): u32 {
  return min(<u32>load<u8>(at), leadMax);
}

/** The window that was chosen last. */
let chosenLead: u32 = 0;
let chosenTail: u32 = 0;

/** Of windows from a change on that hold the next few, the one that costs least for each of them. */
function choose(leads: usize, tails: usize, count: u32): void {
  let lead: u32 = 64;
  let tail: u32 = 64;
  let leastBits: u32 = 0;
  let leastCount: u32 = 0;
  for (let i: u32 = 0; i < count; ) {
    lead = min(lead, leadOf(leads + i));
    tail = min(tail, <u32>load<u8>(tails + i));
    i++;
    const width = widthOf(lead, tail);
    const bits = openBits + i * width;
    if (leastCount > 0 && bits * leastCount >= leastBits * i) {
      // Windows only grow: none of the rest costs less.
      if ((openBits + count * width) * leastCount >= leastBits * count) return;
      continue;
    }
    leastBits = bits;
    leastCount = i;
    chosenLead = lead;
    chosenTail = tail;
  }
}

/** Whether a narrower window for some of the next changes saves more than it costs; one for the way back as well, unless they are the last. */
function saves(leads: usize, tails: usize, count: u32, width: u32, isEnd: bool): bool {
  let lead: u32 = 64;
  let tail: u32 = 64;
  for (let i: u32 = 0; i < count; ) {
    lead = min(lead, leadOf(leads + i));
    tail = min(tail, <u32>load<u8>(tails + i));
    i++;
    const own = widthOf(lead, tail);
    // They only grow: none of the rest saves more.
    if (own >= width) return false;
    const saved = width - own;
    if (count * saved <= (isEnd ? openBits : openBits * 2)) return false;
    if (i * saved <= (isEnd && i == count ? openBits : openBits * 2)) continue;
    chosenLead = lead;
    chosenTail = tail;
    return true;
  }
  return false;
}

/** The reference's way: the window of a change that the one before does not hold. Answers the bits. */
function planSimply(plan: usize, count: u32, room: usize): u32 {
  let bits: u32 = 0;
  let lead: u32 = 64;
  let tail: u32 = 64;
  for (let i: u32 = 0; i < count; i++) {
    // It wraps there.
    const ownLead = <u32>load<u8>(plan + i) & leadMax;
    const ownTail = <u32>load<u8>(plan + room + i);
    const holds = i > 0 && ownLead >= lead && ownTail >= tail;
    if (!holds) {
      lead = ownLead;
      tail = ownTail;
      bits += openBits;
    }
    store<u8>(plan + room * 2 + i, holds ? windowStays : <u8>lead);
    store<u8>(plan + room * 3 + i, <u8>tail);
    bits += markBits + widthOf(lead, tail);
  }
  return bits;
}

/** With a look at what comes. Answers the bits. */
function planAhead(plan: usize, count: u32, room: usize): u32 {
  let bits: u32 = 0;
  let lead: u32 = 64;
  let tail: u32 = 64;
  for (let i: u32 = 0; i < count; i++) {
    const leads = plan + i;
    const tails = plan + room + i;
    const ownLead = leadOf(leads);
    const ownTail = <u32>load<u8>(tails);
    const next = min(ahead, count - i);
    let holds = i > 0 && ownLead >= lead && ownTail >= tail;
    if (!holds) choose(leads, tails, next);
    else {
      const width = widthOf(lead, tail);
      if (widthOf(ownLead, ownTail) + wasteMin <= width) holds = !saves(leads, tails, next, width, i + next == count); // prettier-ignore
    }
    if (!holds) {
      lead = chosenLead;
      tail = chosenTail;
      bits += openBits;
    }
    store<u8>(plan + room * 2 + i, holds ? windowStays : <u8>lead);
    store<u8>(plan + room * 3 + i, <u8>tail);
    bits += markBits + widthOf(lead, tail);
  }
  return bits;
}

/**
 * Plans the windows of the changes of `count` values and of `end` behind them. `plan` has room for four lists of `count` bytes:
 * leading and trailing zeros of each change that is one, then of the window that it opens, `windowStays` where it does not.
 * Closely, with a look ahead, or quickly, the reference's way.
 */
export function planWindows(values: usize, count: u32, end: u64, plan: usize, isClose: bool): void {
  const room = <usize>count;
  let before = load<u64>(values);
  let changeCount: u32 = 0;
  for (let i: u32 = 1; i <= count; i++) {
    const value = i == count ? end : load<u64>(values + (<usize>i << 3));
    const change = value ^ before;
    before = value;
    if (change == 0) continue;
    store<u8>(plan + changeCount, <u8>clz(change));
    store<u8>(plan + room + changeCount, <u8>ctz(change));
    changeCount++;
  }
  const simpleBits = planSimply(plan, changeCount, room);
  if (!isClose) return;
  if (planAhead(plan, changeCount, room) > simpleBits) planSimply(plan, changeCount, room);
}

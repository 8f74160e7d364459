import type { Message } from './types.ts';

/**
 * Highest term that is believed. An election each millisecond would take thousands of years to get there, while a number
 * near the end of what a double counts exactly would stop every election for good.
 */
export const termMax = 2 ** 48;

const countFields: { readonly [Kind in Message['kind']]: readonly string[] } = {
  vote: ['lastIndex', 'lastTerm'],
  'vote-reply': [],
  append: ['previousIndex', 'previousTerm', 'commit'],
  'append-reply': ['index', 'hintIndex', 'hintTerm'],
  heartbeat: ['commit', 'round'],
  'heartbeat-reply': ['round'],
  snapshot: [],
  'timeout-now': [],
};

/** Whether the numbers of a message are in range; one that is not changes nothing, least of all the term on disk. */
export function isSound(message: Message): boolean {
  const { kind, from, to, term } = message;
  if (!Object.hasOwn(countFields, kind) || !isCount(from) || !isCount(to) || !isTerm(term))
    return false;
  const fields = message as unknown as Readonly<Record<string, unknown>>;
  if (!countFields[kind].every((name) => isCount(fields[name]))) return false;
  if (kind === 'append') return areEntries(message.entries, message.previousIndex);
  if (kind !== 'snapshot') return true;
  return isCount(message.snapshot.index) && isTerm(message.snapshot.term);
}

/** Entries follow what precedes them without a gap. */
function areEntries(entries: unknown, previousIndex: number): boolean {
  return (
    Array.isArray(entries) &&
    entries.every(
      (entry: { readonly index: unknown; readonly term: unknown }, i) =>
        entry.index === previousIndex + 1 + i && isTerm(entry.term),
    )
  );
}

export function isTerm(value: unknown): boolean {
  return isCount(value) && (value as number) <= termMax;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

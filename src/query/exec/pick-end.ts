import { exactTextIn } from '../../base/exact-text.ts';
import type { Fragment, WindowsField, WindowsTask, WindowSummary } from '../fragment.ts';
import type { EndPoint, ShardSource } from '../source.ts';
import type { FragmentContext } from './context.ts';
import type { Group } from './groups.ts';
import { earlier, later, valuesColumn, type Selected } from './window-accumulator.ts';
import { emptySummary } from './window-grid.ts';

/** Which end of each series decides a field of one window over the whole range, when nothing else is asked of it. */
export function pickedEnd(
  { intervalNs }: WindowsTask,
  { parts }: WindowsField,
): 'first' | 'last' | undefined {
  const [part, ...others] = parts;
  if (intervalNs !== 0n || others.length > 0) return undefined;
  return part === 'first' || part === 'last' ? part : undefined;
}

/** A series takes some microseconds: a million of them would hold up all others for seconds. */
const seriesPerPause = 64;

/**
 * first() or last() of a group: no more of each series is read than the block at that end, and nothing of shards whose
 * points all lie behind one that was found. undefined is a pause, where others may run.
 */
export function* pickEnd(
  { minTimeNs, maxTimeNs }: Fragment,
  { field, end, spans }: PickedField,
  { members }: Group,
  context: FragmentContext,
): Generator<undefined, WindowSummary> {
  const { arena } = context;
  const ascending = end === 'first';
  const request = { field: field.name, minTimeNs, maxTimeNs, ascending };
  let picked: Selected | undefined;
  let count = 0n;
  let looked = 0;
  for (const span of spans) {
    for (const { source, seriesId } of members) {
      if (!span.includes(source)) continue;
      if (++looked % seriesPerPause === 0) {
        context.check();
        yield undefined;
      }
      const mark = arena.mark();
      const point = source.end({ ...request, seriesId }, arena);
      if (point !== undefined) {
        const found = selectedOf(point);
        picked = picked === undefined ? found : ascending ? earlier(picked, found) : later(picked, found); // prettier-ignore
        count++;
      }
      arena.release(mark);
    }
    if (picked !== undefined) break;
  }
  if (picked === undefined) return emptySummary;
  const selected = { timesNs: BigInt64Array.of(picked.timeNs), values: valuesColumn(field.type, [picked.value]) }; // prettier-ignore
  return {
    ...emptySummary,
    startsNs: BigInt64Array.of(minTimeNs),
    counts: BigInt64Array.of(count),
    ...(ascending ? { firsts: selected } : { lasts: selected }),
  };
}

function selectedOf({ timeNs, value }: EndPoint): Selected {
  if (typeof value !== 'object') return { timeNs, value };
  const { buffer, byteOffset, length } = value;
  return { timeNs, value: exactTextIn(Buffer.from(buffer, byteOffset, length)) };
}

export interface PickedField {
  readonly field: WindowsField;
  readonly end: 'first' | 'last';
  /** Shards whose times overlap, from that end on. */
  readonly spans: readonly (readonly ShardSource[])[];
}

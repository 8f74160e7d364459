import type { Fragment, WindowsField, WindowsTask, WindowSummary } from '../fragment.ts';
import type { ShardSource } from '../source.ts';
import type { FragmentContext } from './context.ts';
import type { Group } from './groups.ts';
import { copyBatch } from './columns/column-builder.ts';
import { WindowAccumulator } from './window-accumulator.ts';

/** Which end of each series decides a field of one window over the whole range, when nothing else is asked of it. */
export function pickedEnd(
  { intervalNs }: WindowsTask,
  { parts }: WindowsField,
): 'first' | 'last' | undefined {
  const [part, ...others] = parts;
  if (intervalNs !== 0n || others.length > 0) return undefined;
  return part === 'first' || part === 'last' ? part : undefined;
}

/**
 * first() or last() of a group: no more of each series is read than the block at that end, and nothing of shards whose
 * points all lie behind one that was found.
 */
export function pickEnd(
  { minTimeNs, maxTimeNs }: Fragment,
  { field, end, spans }: PickedField,
  { members }: Group,
  { arena }: FragmentContext,
): WindowSummary {
  const bounds = { intervalNs: 0n, offsetNs: 0n, wholeStartNs: minTimeNs };
  const picked = new WindowAccumulator(field.type, bounds);
  const ascending = end === 'first';
  const request = { field: field.name, minTimeNs, maxTimeNs, ascending };
  for (const span of spans) {
    let isFound = false;
    for (const { source, seriesId } of members) {
      if (!span.includes(source)) continue;
      const mark = arena.mark();
      const batch = source.end({ ...request, seriesId }, arena);
      if (batch !== undefined) picked.add(...copyBatch(batch, arena));
      isFound ||= batch !== undefined;
      arena.release(mark);
    }
    if (isFound) break;
  }
  return picked.finish();
}

export interface PickedField {
  readonly field: WindowsField;
  readonly end: 'first' | 'last';
  /** Shards whose times overlap, from that end on. */
  readonly spans: readonly (readonly ShardSource[])[];
}

import type { Fragment, WindowsField, WindowsTask, WindowSummary } from '../fragment.ts';
import type { FragmentContext } from './context.ts';
import type { Group } from './groups.ts';
import { copyBatch } from './column-builder.ts';
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

/** first() or last() of a group: no more of each series is read than the block at that end. */
export function pickEnd(
  { minTimeNs, maxTimeNs }: Fragment,
  { field, end }: { readonly field: WindowsField; readonly end: 'first' | 'last' },
  { members }: Group,
  { arena }: FragmentContext,
): WindowSummary {
  const bounds = { intervalNs: 0n, offsetNs: 0n, wholeStartNs: minTimeNs };
  const picked = new WindowAccumulator(field.type, bounds);
  for (const { source, seriesId } of members) {
    const ascending = end === 'first';
    const request = { seriesId, field: field.name, minTimeNs, maxTimeNs, ascending };
    const mark = arena.mark();
    const batch = source.end(request, arena);
    if (batch !== undefined) picked.add(...copyBatch(batch, arena));
    arena.release(mark);
  }
  return picked.finish();
}

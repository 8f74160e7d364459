import { expect } from 'vitest';
import type { ShardView } from '../../src/storage/engine/shard-view.ts';
import type { ViewRow } from '../../src/storage/engine/view-request.ts';
import type { CursorArena } from '../../src/storage/engine/columns/run-cursor.ts';

/** A row of several fields, where it is told at once, has to be that of the nearest of their ends. Whether it was told. */
export function checkEndRow(view: ShardView, request: ViewRow, arena: CursorArena): boolean {
  const row = view.endRow(request, arena);
  if (row === undefined) return false;
  const { fields, ...bounds } = request;
  const ends = fields.map((field) => view.end({ ...bounds, field }, arena));
  const times = ends.flatMap((end) => end?.timeNs ?? []);
  const nearestNs = times.reduce((best, one) => (one < best === bounds.ascending ? one : best));
  expect(row.timeNs).toBe(nearestNs);
  expect(row.values).toEqual(ends.map((end) => (end?.timeNs === nearestNs ? end.value : undefined))); // prettier-ignore
  return true;
}

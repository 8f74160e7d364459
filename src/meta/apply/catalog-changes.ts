/**
 * How a catalog reaches those who hold a copy: whole once, and then as the commands that changed it.
 *
 * Invariants:
 * - A step leads from one index to a later one; whoever is not at its `fromIndex`, or past it, asks for the whole.
 * - Only commands that were accepted are in it, so that a copy needs no memory of what was answered.
 * - Counts that come with a step tell a copy that went another way, as one of another release might.
 */
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { applyAccepted } from './apply.ts';
import type { Catalog } from '../model/catalog.ts';
import type { Command } from '../command/command.ts';
import { decodeLogged } from '../codec/command-codec.ts';

/** An accepted command, as it is in the log. */
export interface CatalogChange {
  readonly index: number;
  /** An encoded LoggedCommand (command-codec.ts). */
  readonly command: Uint8Array;
}

export interface CatalogStep {
  readonly fromIndex: number;
  readonly toIndex: number;
  readonly changes: readonly CatalogChange[];
  /** Of the catalog at `toIndex`; absent when more steps are to come before they are known. */
  readonly counts?: CatalogCounts | undefined;
}

/** What every command that makes or drops something moves. */
export interface CatalogCounts {
  readonly nodeIdMax: number;
  readonly shardGroupIdMax: number;
  readonly shardIdMax: number;
  readonly databaseCount: number;
  readonly shardCount: number;
}

export function countsOf(catalog: Catalog): CatalogCounts {
  return {
    nodeIdMax: catalog.maxNodeId,
    shardGroupIdMax: catalog.maxShardGroupId,
    shardIdMax: catalog.maxShardId,
    databaseCount: catalog.databases.length,
    shardCount: catalog.databases.shardCount,
  };
}

/** What became of a copy, in order; `droppedShardIds` names also those that came and went within a step. */
export interface CatalogNews {
  readonly before: Catalog;
  readonly after: Catalog;
  readonly droppedShardIds: readonly number[];
}

/**
 * The catalog after a step; the same when it is there already. Throws `corrupt` when the step does not follow or leads
 * elsewhere, `unsupported_version` for a command of a newer release: the caller then asks for the whole.
 */
export function applyStep(before: Catalog, step: CatalogStep): CatalogNews {
  if (step.toIndex <= before.index) return { before, after: before, droppedShardIds: [] };
  if (step.fromIndex > before.index)
    throw new DbError(
      'corrupt',
      `catalog changes from ${step.fromIndex} on, after ${before.index}`,
    );
  let catalog = before;
  const droppedShardIds: number[] = [];
  for (const change of step.changes) {
    if (change.index <= catalog.index) continue;
    const { command, changed } = changedBy(catalog, change);
    if (changed.databases.shardCount < catalog.databases.shardCount)
      droppedShardIds.push(...shardsLost(catalog, changed, command));
    catalog = changed;
  }
  const after = { ...catalog, index: step.toIndex };
  if (step.counts !== undefined) checkCounts(countsOf(after), step.counts, step.toIndex);
  return { before, after, droppedShardIds };
}

/** What was accepted and is refused here tells a copy that went another way, whatever the refusal says. */
function changedBy(
  catalog: Catalog,
  { index, command: bytes }: CatalogChange,
): { readonly command: Command; readonly changed: Catalog } {
  try {
    const { command } = decodeLogged(bytes);
    return { command, changed: applyAccepted(catalog, index, command) };
  } catch (error) {
    if (isDbError(error, 'unsupported_version')) throw error;
    const text = `catalog change ${index} does not fit: ${errorText(error)}`;
    throw new DbError('corrupt', text, { cause: error });
  }
}

/** What a whole catalog says that replaces an older one. */
export function newsOfWhole(before: Catalog, after: Catalog): CatalogNews {
  const droppedShardIds: number[] = [];
  for (const { shard } of before.databases.shards())
    if (after.databases.shard(shard.id) === undefined) droppedShardIds.push(shard.id);
  return { before, after, droppedShardIds };
}

function shardsLost(before: Catalog, after: Catalog, command: Command): readonly number[] {
  if ('shardId' in command) return [command.shardId];
  if (command.kind === 'overwrite-databases') return newsOfWhole(before, after).droppedShardIds;
  const policies = before.databases.get(databaseOf(command))?.retentionPolicies ?? [];
  return policies
    .flatMap(({ shardGroups }) => shardGroups.flatMap(({ shards }) => shards))
    .flatMap(({ id }) => (isLost(before, after, id) ? [id] : []));
}

function isLost(before: Catalog, after: Catalog, id: number): boolean {
  return before.databases.shard(id) !== undefined && after.databases.shard(id) === undefined;
}

/** The database whose shards a command may drop. */
function databaseOf(command: Command): string {
  if ('database' in command) return command.database;
  return 'name' in command ? command.name : '';
}

function checkCounts(now: CatalogCounts, wanted: CatalogCounts, index: number): void {
  for (const key of Object.keys(now) as (keyof CatalogCounts)[])
    if (now[key] !== wanted[key])
      throw new DbError(
        'corrupt',
        `catalog at ${index}: ${key} is ${now[key]}, not ${wanted[key]}`,
      );
}

/** Copies of shards that begin, end well, are given up and forgotten (spec F35 to F37). */
import { DbError } from '../../base/errors.ts';
import { mustHaveShard, withGroup, withOwners } from './apply-shards.ts';
import type { Catalog } from '../model/catalog.ts';
import type { Command } from '../command/command.ts';
import { leavingNodeId } from '../model/move-plan.ts';
import { copiesOf, type JoinedOwner, type ShardCopy } from '../model/shard-copies.ts';

export type CopyCommand = Extract<
  Command,
  { kind: 'begin-shard-copy' | 'finish-shard-copy' | 'abort-shard-copy' | 'forget-shard-copy' }
>;

/** Of the whole cluster, those included that are being discarded. */
const copiesMax = 256;

export function applyCopyCommand(catalog: Catalog, index: number, command: CopyCommand): Catalog {
  switch (command.kind) {
    case 'begin-shard-copy':
      return begin(catalog, index, command);
    case 'finish-shard-copy':
      return finish(catalog, index, command);
    case 'abort-shard-copy':
      return withCopies(
        catalog,
        copiesOf(catalog).map((copy) =>
          isNamed(copy, command) ? { ...copy, state: 'discarding' } : copy,
        ),
      );
    case 'forget-shard-copy':
      return withCopies(
        catalog,
        copiesOf(catalog).filter((copy) => !isNamed(copy, command) || copy.state !== 'discarding'),
      );
  }
}

/** Copies of shards and to nodes that have gone end with them: the node deletes what the catalog has dropped. */
export function withoutLostCopies(catalog: Catalog): Catalog {
  if (catalog.copies === undefined) return catalog;
  const left = catalog.copies.filter(
    ({ shardId, destinationId }) =>
      catalog.databases.shard(shardId) !== undefined &&
      catalog.dataNodes.some(({ id }) => id === destinationId),
  );
  return left.length === catalog.copies.length ? catalog : withCopies(catalog, left);
}

/** Throws why a copy may not begin. */
export function refuseCopy(
  catalog: Catalog,
  request: Pick<ShardCopy, 'shardId' | 'sourceId' | 'destinationId'>,
): void {
  const { shardId, sourceId, destinationId } = request;
  const { owners } = mustHaveShard(catalog, shardId).shard;
  if (!owners.includes(sourceId))
    throw new DbError('invalid_argument', `node ${sourceId} is not an owner of shard ${shardId}`);
  const destination = catalog.dataNodes.find(({ id }) => id === destinationId);
  if (destination === undefined) throw new DbError('node_not_found', 'node not found');
  if (destination.isPassive === true)
    throw new DbError('invalid_argument', `node ${destinationId} is passive: it owns no shards`);
  if (leavingNodeId(catalog) === destinationId)
    throw new DbError('conflict', `node ${destinationId} is to own no shards any more`);
  if (owners.includes(destinationId))
    throw new DbError('conflict', `shard ${shardId} is on node ${destinationId} already`);
  const copies = copiesOf(catalog);
  if (copies.some((copy) => copy.shardId === shardId && copy.destinationId === destinationId))
    throw new DbError('conflict', `shard ${shardId} is being copied to node ${destinationId}`);
  if (copies.length >= copiesMax)
    throw new DbError('limit_exceeded', `more than ${copiesMax} copies of shards`);
}

function begin(
  catalog: Catalog,
  index: number,
  command: Extract<Command, { kind: 'begin-shard-copy' }>,
): Catalog {
  refuseCopy(catalog, command);
  const { shardId, sourceId, destinationId, startedNs } = command;
  const copy = { shardId, sourceId, destinationId, startedNs, beganIndex: index };
  return withCopies(catalog, [...copiesOf(catalog), { ...copy, state: 'copying' }]);
}

function finish(
  catalog: Catalog,
  index: number,
  command: Extract<Command, { kind: 'finish-shard-copy' }>,
): Catalog {
  const { shardId, destinationId: nodeId, beganIndex } = command;
  const place = mustHaveShard(catalog, shardId);
  const { owners, joined = [] } = place.shard;
  const known = joined.find((one) => one.nodeId === nodeId);
  if (known?.beganIndex === beganIndex) return catalog;
  const copies = copiesOf(catalog);
  if (!copies.some((copy) => isNamed(copy, command) && copy.state === 'copying'))
    throw new DbError('conflict', `the copy of shard ${shardId} was given up`);
  const added: JoinedOwner = { nodeId, beganIndex, ownedIndex: index };
  const group = withOwners(place, [...owners, nodeId], [...joined, added]);
  return withCopies(
    withGroup(catalog, place, group),
    copies.filter((copy) => !isNamed(copy, command)),
  );
}

function isNamed(
  copy: ShardCopy,
  { shardId, destinationId, beganIndex }: Pick<ShardCopy, 'shardId' | 'destinationId' | 'beganIndex'>, // prettier-ignore
): boolean {
  const isSame = copy.shardId === shardId && copy.destinationId === destinationId;
  return isSame && copy.beganIndex === beganIndex;
}

function withCopies(catalog: Catalog, copies: readonly ShardCopy[]): Catalog {
  const { copies: _, ...rest } = catalog;
  return copies.length === 0 ? rest : { ...rest, copies };
}

import { expect, test } from 'vitest';
import { applyCommand } from '../apply/apply.ts';
import { encodeLogged } from '../codec/command-codec.ts';
import type { Command } from '../command/command.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { copiesOf } from '../model/shard-copies.ts';
import { refuseCopyEnd } from './refuse-copy-end.ts';

/** Shard 1 on nodes 1 and 2, copied from the first to a third one. */
function copying(): Catalog {
  const commands: readonly Command[] = [
    ...[1, 2].map((i) => ({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `n${i}:1`, dataNodesMax: 9 }) as const), // prettier-ignore
    { kind: 'create-database', name: 'd', policy: { replication: 2 } },
    { kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] },
    { kind: 'create-data-node', httpAddress: 'h3:1', tcpAddress: 'n3:1', dataNodesMax: 9 },
    { kind: 'begin-shard-copy', shardId: 1, sourceId: 1, destinationId: 3, startedNs: 1n },
  ];
  return commands.reduce(applied, emptyCatalog);
}

function applied(catalog: Catalog, command: Command): Catalog {
  const made = applyCommand(catalog, catalog.index + 1, { id: `${catalog.index}`, command });
  expect(made.answer).toMatchObject({ ok: true });
  return made.catalog;
}

const nothing = () => [];
const leaving = (nodeId: number): Command => ({ kind: 'delete-data-node', nodeId });

test('end of a copy: whose source is there it makes an owner of, whose source has left, or is about to leave, not', () => {
  const catalog = copying();
  const [copy] = copiesOf(catalog);
  const finish: Command = { kind: 'finish-shard-copy', shardId: 1, destinationId: 3, beganIndex: copy?.beganIndex ?? 0 }; // prettier-ignore
  const entryOf = (command: Command) => ({ kind: 'command', index: 9, term: 1, data: encodeLogged({ id: 'x', command }) }) as const; // prettier-ignore
  const toldOf = (now: Catalog, unapplied: readonly Command[]) => () => {
    refuseCopyEnd(now, finish, () => unapplied.map(entryOf));
  };
  expect(toldOf(catalog, [])).not.toThrow();
  expect(toldOf(catalog, [leaving(2)])).not.toThrow();
  const text = 'node 1, which shard 1 is copied from, has left';
  expect(toldOf(catalog, [leaving(1)])).toThrow(text);
  expect(toldOf(applied(catalog, leaving(1)), [])).toThrow(text);
  // Once it is over that says nothing.
  const over = applied(applied(catalog, finish), leaving(1));
  expect(toldOf(over, [])).not.toThrow();
  expect(() => {
    refuseCopyEnd(catalog, leaving(1), nothing);
  }).not.toThrow();
});

import { expect, test } from 'vitest';
import { dayNs, hourNs, secondNs } from '../../base/units.ts';
import { applyCommand } from '../apply/apply.ts';
import type { Command } from '../command/command.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { refuseStillKept } from './still-kept.ts';

const hour = 480_000n * hourNs;

/** Groups of an hour from `hour` on and of the hour before, of a policy that keeps points for `durationNs`. */
function catalogOf(durationNs: bigint): Catalog {
  const policy = { name: 'p', replication: 1, durationNs, shardDurationNs: hourNs };
  const commands: readonly Command[] = [
    { kind: 'create-data-node', httpAddress: 'd:8086', tcpAddress: 'd:8088', dataNodesMax: 1 },
    { kind: 'create-database', name: 'd', policy },
    { kind: 'create-shard-groups', database: 'd', retentionPolicy: 'p', timesNs: [hour - hourNs, hour] }, // prettier-ignore
  ];
  return commands.reduce((catalog, command, i) => {
    const made = applyCommand(catalog, i + 1, { id: `${i}`, command });
    expect(made.answer).toMatchObject({ ok: true });
    return made.catalog;
  }, emptyCatalog);
}

const unapplied = () => [];

/** What the leader says at `leaderNs` to a node whose clock says `nodeNs`. */
function toldOf(durationNs: bigint, leaderNs: bigint, nodeNs: bigint): string {
  const command = { kind: 'delete-shard-group', database: 'd', retentionPolicy: 'p', groupId: 1, nowNs: nodeNs } as const; // prettier-ignore
  try {
    refuseStillKept(catalogOf(durationNs), command, { nowNs: leaderNs, unapplied });
    return 'deleted';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}

test('still kept: a node whose clock is a day ahead deletes nothing', () => {
  expect(toldOf(4n * hourNs, hour, hour + dayNs)).toBe(
    "by the clock of the meta node that leads its points are still to be kept, and it is 86400 s behind this node's",
  );
  expect(toldOf(4n * hourNs, hour + 4n * hourNs + 1n, hour + dayNs)).toBe('deleted');
});

test('still kept: what has expired by both clocks goes, also where they differ a little', () => {
  const expiredNs = hour + hourNs;
  expect(toldOf(hourNs, expiredNs + 1n, expiredNs + 1n)).toBe('deleted');
  expect(toldOf(hourNs, expiredNs - 59n * secondNs, expiredNs + 1n)).toBe('deleted');
  expect(toldOf(hourNs, expiredNs - 61n * secondNs, expiredNs + 1n)).toContain('is 61 s behind');
});

test('still kept: a policy that was altered while the command was on its way counts', () => {
  expect(toldOf(0n, hour + dayNs, hour + dayNs)).toBe('by its policy its points are still to be kept'); // prettier-ignore
  expect(toldOf(7n * dayNs, hour + dayNs, hour + dayNs)).toBe('by its policy its points are still to be kept'); // prettier-ignore
});

test('still kept: other commands, and groups that are not there, are not its business', () => {
  const catalog = catalogOf(0n);
  const none = { kind: 'delete-shard-group', database: 'd', retentionPolicy: 'p', groupId: 9, nowNs: hour } as const; // prettier-ignore
  expect(() => {
    refuseStillKept(catalog, none, { nowNs: hour, unapplied });
    refuseStillKept(catalog, { kind: 'drop-database', name: 'd' }, { nowNs: hour, unapplied });
  }).not.toThrow();
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { permissions } from '../../base/permission.ts';
import { dayNs, hourNs, maxTimeNs, minTimeNs } from '../../base/units.ts';
import { applyCommand } from './apply.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { applyStep, countsOf, type CatalogChange } from './catalog-changes.ts';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';
import { encodeLogged } from '../codec/command-codec.ts';
import type { LoggedCommand } from '../command/command.ts';
import { shardFate } from '../model/shard-fate.ts';
import { endOfGroup } from '../model/shard-groups.ts';

const name = fc.constantFrom('a', 'b', '', '.', 'a/b', 'x'.repeat(256), 'autogen');
const duration = fc.constantFrom(0n, 1n, hourNs, 3n * hourNs, dayNs, 30n * dayNs, 400n * dayNs, -1n, 2n ** 63n - 1n); // prettier-ignore
const count = fc.constantFrom(-1, 0, 1, 2, 3, 7, 2 ** 31 - 1, 2 ** 53);
const flag = fc.boolean();
const time = fc.oneof(fc.bigInt(0n, 40n * dayNs), fc.constantFrom(minTimeNs, maxTimeNs, 0n, -1n, 2n ** 63n - 1n)); // prettier-ignore
const absent = { freq: 2, nil: undefined };
const policy = fc.record({
  name: fc.option(name, absent),
  durationNs: fc.option(duration, absent),
  shardDurationNs: fc.option(duration, absent),
  replication: fc.option(count, absent),
  pastLimitNs: fc.option(duration, absent),
  futureLimitNs: fc.option(duration, absent),
});
const address = fc.constantFrom('h1:1', 'h2:1', 'h3:1', 'h4:1', '');
const addresses = { httpAddress: address, tcpAddress: address };
const kind = <T extends string>(text: T) => fc.constant(text);
const id = fc.oneof(fc.integer({ min: 1, max: 60 }), count);
const importedPolicy = fc.record({
  name,
  durationNs: fc.constantFrom(0n, 30n * dayNs),
  shardGroupDurationNs: fc.constantFrom(0n, hourNs, dayNs),
  replicaCount: fc.constantFrom(1, 2, 0),
  pastLimitNs: fc.constant(0n),
  futureLimitNs: fc.constant(0n),
  shardGroups: fc.array(fc.record({ id, startNs: time, endNs: time, shards: fc.array(fc.record({ id, owners: fc.constant([]) }), { maxLength: 2 }) }), { maxLength: 3 }), // prettier-ignore
});
const importedDatabase = fc.record({ name, defaultRetentionPolicy: name, retentionPolicies: fc.array(importedPolicy, { maxLength: 2 }) }); // prettier-ignore
const importedUser = fc.record({ name, hash: name, isAdmin: flag, privileges: fc.constant([]) });

const scoped = fc.array(fc.record({ scope: name, permissions: fc.array(fc.constantFrom(...permissions), { maxLength: 4 }) }), { maxLength: 3 }); // prettier-ignore

const ruleId = fc.constantFrom('0000000000000001', '0000000000000002', 'x');
const textMatch = { match: fc.constantFrom('exact', 'prefix'), value: name };
const aclRule = fc.record({
  id: ruleId,
  database: fc.record(textMatch),
  measurement: fc.option(fc.record(textMatch), absent),
  tags: fc.array(fc.record({ key: name, ...textMatch }), { maxLength: 2 }),
  permissions: fc.array(fc.constantFrom('read', 'write'), { maxLength: 2 }),
  users: fc.array(name, { maxLength: 2 }),
  roles: fc.array(name, { maxLength: 2 }),
});

const small = fc.integer({ min: 0, max: 3 });
const named = { shardId: small, fromId: small, toId: small };
const moves = fc.array(fc.record({ ...named, sizeBytes: count, reason: name }), { maxLength: 3 });

const command = fc.oneof(
  fc.record({ kind: kind('found-cluster'), clusterId: fc.constantFrom(0n, 7n, 9n) }),
  fc.record({ kind: kind('create-meta-node'), ...addresses }),
  fc.record({ kind: kind('delete-meta-node'), nodeId: count }),
  fc.record({ kind: kind('create-data-node'), ...addresses, dataNodesMax: count }),
  fc.record({ kind: kind('delete-data-node'), nodeId: count }),
  fc.record({ kind: kind('create-database'), name, policy: fc.option(policy, absent) }),
  fc.record({ kind: kind('drop-database'), name }),
  fc.record({ kind: kind('create-retention-policy'), database: name, policy, isDefault: flag }),
  fc.record({ kind: kind('alter-retention-policy'), database: name, name, policy, isDefault: flag }), // prettier-ignore
  fc.record({ kind: kind('drop-retention-policy'), database: name, name }),
  fc.record({ kind: kind('create-shard-groups'), database: name, retentionPolicy: name, timesNs: fc.array(time, { maxLength: 5 }) }), // prettier-ignore
  fc.record({ kind: kind('create-data-node'), ...addresses, dataNodesMax: count, isPassive: flag }),
  fc.record({ kind: kind('update-data-node'), nodeId: count, ...addresses }),
  fc.record({ kind: kind('set-node-labels'), nodeId: count, labels: fc.array(fc.record({ name, value: name }), { maxLength: 3 }) }), // prettier-ignore
  fc.record({ kind: kind('delete-node-labels'), nodeId: count, names: fc.array(name, { maxLength: 3 }) }), // prettier-ignore
  fc.record({ kind: kind('truncate-shard-groups'), timeNs: time }),
  fc.record({ kind: kind('delete-shard-group'), database: name, retentionPolicy: name, groupId: count, nowNs: time }), // prettier-ignore
  fc.record({ kind: kind('prune-shard-groups'), beforeNs: time }),
  fc.record({ kind: kind('drop-shard'), shardId: count, nowNs: time }),
  fc.record({ kind: kind('add-shard-owner'), shardId: count, nodeId: count }),
  fc.record({ kind: kind('remove-shard-owner'), shardId: count, nodeId: count, nowNs: time }),
  fc.record({ kind: kind('create-continuous-query'), database: name, name, text: name }),
  fc.record({
    kind: kind('create-continuous-query'),
    database: name,
    name,
    text: name,
    nowNs: time,
  }),
  fc.record({ kind: kind('mark-continuous-queries'), lease: name, token: count, marks: fc.array(fc.record({ database: name, name, createdNs: fc.option(time, absent), ranUntilNs: time }), { maxLength: 3 }) }), // prettier-ignore
  fc.record({ kind: kind('drop-continuous-query'), database: name, name }),
  fc.record({ kind: kind('create-subscription'), database: name, retentionPolicy: name, name, mode: fc.constantFrom('ALL', 'ANY'), destinations: fc.array(fc.constantFrom('http://h:1', 'x'), { maxLength: 3 }) }), // prettier-ignore
  fc.record({ kind: kind('drop-subscription'), database: name, retentionPolicy: name, name }),
  fc.record({ kind: kind('create-user'), name, hash: name, isAdmin: flag }),
  fc.record({ kind: kind('drop-user'), name }),
  fc.record({ kind: kind('set-user-hash'), name, hash: name }),
  fc.record({ kind: kind('set-user-admin'), name, isAdmin: flag }),
  fc.record({ kind: kind('set-user-privilege'), name, database: name, privilege: fc.constantFrom('READ', 'WRITE', 'NO PRIVILEGES') }), // prettier-ignore
  fc.record({ kind: kind('revoke-user-privilege'), name, database: name, privilege: fc.constantFrom('READ', 'ALL PRIVILEGES') }), // prettier-ignore
  fc.record({ kind: kind('create-permitted-user'), name, hash: name, permissions: scoped }),
  fc.record({ kind: fc.constantFrom('change-user-permissions', 'change-role-permissions'), name, permissions: scoped, isGrant: flag }), // prettier-ignore
  fc.record({ kind: kind('create-role'), name, permissions: scoped, users: fc.array(name, { maxLength: 2 }) }), // prettier-ignore
  fc.record({ kind: kind('change-role-users'), name, users: fc.array(name, { maxLength: 2 }), isAdded: flag }), // prettier-ignore
  fc.record({ kind: kind('drop-role'), name }),
  fc.record({ kind: kind('create-acl-rule'), of: fc.constantFrom('restriction', 'grant'), rule: aclRule }), // prettier-ignore
  fc.record({ kind: kind('drop-acl-rule'), of: fc.constantFrom('restriction', 'grant', 'x'), ruleId }), // prettier-ignore
  fc.record({ kind: kind('import-databases'), nodeId: count, databases: fc.array(importedDatabase, { maxLength: 2 }), users: fc.array(importedUser, { maxLength: 2 }), maxShardGroupId: id, maxShardId: fc.integer({ min: -1, max: 90 }) }), // prettier-ignore
  fc.record({ kind: kind('begin-shard-copy'), shardId: small, sourceId: small, destinationId: small, startedNs: time }), // prettier-ignore
  fc.record({ kind: kind('begin-move-plan'), goal: fc.constantFrom('balance', 'decommission', 'x'), leavingId: small, joiningId: small, isRemoval: flag, startedNs: time, moves }), // prettier-ignore
  fc.record({ kind: kind('extend-move-plan'), planIndex: small, moves }),
  fc.record({ kind: kind('pause-move-plan'), planIndex: id, isPaused: flag }),
  fc.record({ kind: kind('advance-shard-move'), planIndex: id, ...named, step: fc.constantFrom('hand-over', 'done', 'left', 'failed', ''), reason: name }), // prettier-ignore
  fc.record({ kind: kind('end-move-plan'), planIndex: id, nowNs: time }),
  fc.record({ kind: kind('acquire-lease'), name, nodeId: count, nowNs: duration, durationNs: duration }), // prettier-ignore
);

/** Any field may be of any type: data nodes of other releases, and whoever finds the port, send commands. */
const broken = fc
  .tuple(command, fc.string(), fc.anything({ withBigInt: true }))
  .map(([whole, key, value]) => {
    const keys = Object.keys(whole).filter((one) => one !== 'kind');
    return { ...whole, [keys[key.length % keys.length] ?? key]: value };
  });
const logged = fc.oneof(
  { weight: 8, arbitrary: fc.record({ id: fc.uuid(), command }) },
  { weight: 2, arbitrary: fc.record({ id: fc.uuid(), command: broken }) },
  { weight: 1, arbitrary: fc.record({ id: fc.constantFrom('same', ''), command }) },
  { weight: 1, arbitrary: fc.anything() },
);

/** A cluster with shards to lose. */
const lively = [
  { kind: 'create-data-node', httpAddress: 'h1:1', tcpAddress: 'h1:1', dataNodesMax: 9 },
  { kind: 'create-data-node', httpAddress: 'h2:1', tcpAddress: 'h2:1', dataNodesMax: 9 },
  { kind: 'create-database', name: 'a', policy: { replication: 1 } },
  { kind: 'create-shard-groups', database: 'a', retentionPolicy: 'autogen', timesNs: [0n, 30n * dayNs] }, // prettier-ignore
].map((one, i) => ({ id: `lively ${i}`, command: one }));

function applyAll(commands: readonly unknown[]): readonly Catalog[] {
  let catalog = emptyCatalog;
  return commands.map((one, i) => ({ catalog } = applyCommand(catalog, i + 1, one)).catalog);
}

test('catalog: apply takes anything, does the same on every replica, and survives a snapshot at any point', () => {
  fc.assert(
    fc.property(fc.array(logged, { maxLength: 40 }), fc.nat(), (more, cut) => {
      const commands = cut % 2 === 0 ? more : [...lively, ...more];
      const once = applyAll(commands);
      expect(applyAll(commands)).toEqual(once);
      // Another replica starts from a snapshot taken in the middle.
      const start = commands.length === 0 ? 0 : cut % commands.length;
      let replica = start === 0 ? emptyCatalog : decodeCatalog(encodeCatalog(once[start - 1] ?? emptyCatalog)); // prettier-ignore
      for (const [i, one] of commands.entries())
        if (i >= start) ({ catalog: replica } = applyCommand(replica, i + 1, one));
      expect(encodeCatalog(replica)).toEqual(encodeCatalog(once.at(-1) ?? emptyCatalog));
      once.forEach(checkCatalog);
    }),
    { numRuns: 400, seed: 1 },
  );
});

test('catalog: a copy that is fed the accepted commands is the catalog, and hears of every shard that is dropped', () => {
  fc.assert(
    fc.property(fc.array(logged, { maxLength: 60 }), fc.nat(5), (more, stepSize) => {
      const commands = [...lively, ...more];
      let [catalog, copy] = [emptyCatalog, emptyCatalog];
      let changes: CatalogChange[] = [];
      let hasImport = false;
      const dropped = new Set<number>();
      const made = new Set<number>();
      for (const [i, one] of commands.entries()) {
        const applied = applyCommand(catalog, i + 1, one);
        ({ catalog } = applied);
        hasImport ||=
          applied.isChange && JSON.stringify(one, plainBigint).includes('import-databases');
        if (applied.isChange)
          changes.push({ index: i + 1, command: encodeLogged(one as LoggedCommand) });
        if (i % (stepSize + 1) !== 0) continue;
        const counts = countsOf(catalog);
        const step = { fromIndex: copy.index, toIndex: i + 1, changes, counts };
        const news = applyStep(copy, step);
        expect(news.before).toBe(copy);
        for (const id of news.droppedShardIds) dropped.add(id);
        for (const { shard } of copy.databases.shards()) made.add(shard.id);
        copy = news.after;
        changes = [];
        expect(encodeCatalog(copy)).toEqual(encodeCatalog({ ...catalog, answered: [] }));
        // What came and went between two looks is named as well; an id that an import passed over never was.
        for (let id = 1; id <= copy.maxShardId; id++)
          if (dropped.has(id) || made.has(id) || !hasImport)
            expect(dropped.has(id)).toBe(shardFate(copy, id) === 'dropped');
      }
    }),
    { numRuns: 200, seed: 1 },
  );
});

function plainBigint(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** What every reader of a catalog takes for granted. */
function checkCatalog(catalog: Catalog): void {
  const ids = [...catalog.metaNodes, ...catalog.dataNodes].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(Math.max(0, ...ids)).toBeLessThanOrEqual(catalog.maxNodeId);
  const shardIds: number[] = [];
  for (const { retentionPolicies } of catalog.databases)
    for (const { shardGroups, durationNs, shardGroupDurationNs } of retentionPolicies) {
      expect(durationNs === 0n || durationNs >= shardGroupDurationNs).toBe(true);
      const live = shardGroups.filter(({ deletedAtNs }) => deletedAtNs === undefined);
      live.forEach((group, i) => {
        expect(group.startNs).toBeLessThan(group.endNs);
        const next = live[i + 1];
        if (next !== undefined) expect(endOfGroup(group)).toBeLessThanOrEqual(next.startNs);
        shardIds.push(...group.shards.map(({ id }) => id));
        const owners = group.shards.flatMap((shard) => shard.owners);
        for (const owner of owners) expect(catalog.dataNodes.map(({ id }) => id)).toContain(owner);
      });
    }
  expect(new Set(shardIds).size).toBe(shardIds.length);
  expect(Array.from(catalog.databases.shards(), ({ shard }) => shard.id)).toEqual(shardIds.sort((a, b) => a - b)); // prettier-ignore
  for (const { database, retentionPolicy, group, shard } of catalog.databases.shards()) {
    const place = catalog.databases.get(database)?.retentionPolicies.find(({ name: one }) => one === retentionPolicy); // prettier-ignore
    expect(place?.shardGroups).toContain(group);
    expect(group.shards).toContain(shard);
  }
  expect(Math.max(0, ...shardIds)).toBeLessThanOrEqual(catalog.maxShardId);
}

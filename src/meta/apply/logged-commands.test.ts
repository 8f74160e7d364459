import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { must } from '../../base/assert.ts';
import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import { applyCommand } from './apply.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';
import { decodeLogged, encodeLogged, recodeLogged } from '../codec/command-codec.ts';
import { commandSet } from '../command/command-set.ts';
import type { LoggedCommand } from '../command/command.ts';
import { metaMessage } from '../codec/meta-message.ts';
import { varve } from '../../proto/gen/wire.js';

/** What a release that knew no other form has written: commands of every kind it had, and what they led to. */
const recorded = linesOf('json-form.txt');
/** The same of releases that write protobuf, up to command set 5. */
const later = linesOf('protobuf-form.txt');

function linesOf(name: string): readonly string[][] {
  const text = readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8');
  return text.trimEnd().split('\n').map((line) => line.split(' ')); // prettier-ignore
}

const bytesOf = (base64: string | undefined) => new Uint8Array(Buffer.from(must(base64, 'bytes'), 'base64')); // prettier-ignore
const commands = recorded.flatMap(([what, base64]) =>
  what === 'command' ? [bytesOf(base64)] : [],
);
const catalogBytes = bytesOf(recorded.find(([what]) => what === 'catalog')?.[1]);

function applied(all: readonly Uint8Array[]): Catalog {
  let catalog = emptyCatalog;
  for (const [i, bytes] of all.entries())
    ({ catalog } = applyCommand(catalog, i + 1, decodeLogged(bytes)));
  return catalog;
}

test('command codec: a recorded log of the form before leads to the recorded catalog', () => {
  const kinds = new Set(commands.map((bytes) => decodeLogged(bytes).command.kind));
  const known = Object.entries(commandSet.since).filter(([, version]) => version <= 3);
  expect(Array.from(kinds).sort()).toEqual(known.map(([kind]) => kind).sort());
  const before = decodeCatalog(catalogBytes);
  expect(before.databases.shardCount).toBeGreaterThan(2);
  expect(applied(commands)).toEqual(before);
});

test('command codec: the recorded log, written anew, leads to the same catalog, written anew', () => {
  const anew = commands.map((bytes) => recodeLogged(bytes, 'protobuf'));
  for (const [i, bytes] of anew.entries()) {
    expect(decodeLogged(bytes)).toEqual(decodeLogged(must(commands[i], 'a command')));
    expect(recodeLogged(bytes, 'protobuf')).toBe(bytes);
    expect(decodeLogged(recodeLogged(bytes, 'json'))).toEqual(decodeLogged(bytes));
  }
  const catalog = applied(anew);
  const bytes = encodeCatalog(catalog);
  expect(decodeCatalog(bytes)).toEqual(decodeCatalog(catalogBytes));
  expect(Buffer.from(bytes)).toEqual(Buffer.from(encodeCatalog(decodeCatalog(bytes))));
  expect(encodeCatalog(catalog, 'json')).toEqual(catalogBytes);
});

test('command codec: a recorded log of protobuf, of all kinds, leads to the recorded catalog', () => {
  const logged = later.flatMap(([what, base64]) => (what === 'command' ? [bytesOf(base64)] : []));
  const kinds = new Set(logged.map((bytes) => decodeLogged(bytes).command.kind));
  const known = Object.entries(commandSet.since).filter(([, version]) => version <= 4);
  expect([...kinds]).toEqual(expect.arrayContaining(known.map(([kind]) => kind)));
  expect([...kinds]).toEqual(expect.arrayContaining(['begin-move-plan', 'advance-shard-move']));
  for (const bytes of logged) expect(encodeLogged(decodeLogged(bytes))).toEqual(bytes);
  const before = decodeCatalog(bytesOf(later.find(([what]) => what === 'catalog')?.[1]));
  expect(before.copies).toHaveLength(1);
  expect(before.movePlan?.moves.map(({ state }) => state)).toEqual(['left', 'failed']);
  expect(applied(logged)).toEqual(before);
});

test('command codec: a kind of a newer release is named, what is no command is not one', () => {
  const { Command } = varve.catalog.v1;
  // A member of the oneof that this release does not have: number 1000, an empty message.
  const newer = Buffer.concat([
    Command.encode({ id: 'x', kind: 'move-everything' }).finish(),
    Buffer.from([0xc2, 0x3e, 0x00]),
  ]);
  expect(() => decodeLogged(newer)).toThrow(
    expect.objectContaining({
      code: 'unsupported_version',
      message: 'catalog command move-everything is not known here: it is of a newer release',
    }),
  );
  for (const bad of [[], [0xff], [1, 2, 3], [0x0a, 0x01, 0x78]])
    expect(() => decodeLogged(Uint8Array.from(bad))).toThrow(
      expect.objectContaining({ code: 'corrupt' }),
    );
});

test('command codec: the ends of what a command may hold', () => {
  const ends: readonly LoggedCommand['command'][] = [
    { kind: 'found-cluster', clusterId: 2n ** 64n - 1n },
    { kind: 'truncate-shard-groups', timeNs: -9223372036854775806n },
    { kind: 'create-database', name: '', policy: {} },
    { kind: 'create-database', name: 'x'.repeat(100_000), policy: undefined },
    { kind: 'create-database', name: 'd', policy: { replication: -1, durationNs: 0n } },
    { kind: 'create-shard-groups', database: 'd', retentionPolicy: '', timesNs: [-1n, 0n, 1n] },
    { kind: 'create-continuous-query', database: 'd', name: 'q', text: 'ä\0', nowNs: 0n },
  ];
  for (const command of ends)
    expect(decodeLogged(encodeLogged({ id: 'e', command }))).toEqual({ id: 'e', command });
});

test('catalog codec: what is damaged, cut or of a newer release is told', () => {
  const bytes = encodeCatalog(applied(commands));
  for (let at = 0; at < bytes.length; at += 7) {
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 4;
    expect(() => decodeCatalog(flipped)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  }
  for (const length of [0, 1, bytes.length - 1])
    expect(() => decodeCatalog(bytes.subarray(0, length))).toThrow('it is not a catalog');
});

test('catalog codec: groups and leases at the ends of time are exact, in both forms', () => {
  const ends = [
    { kind: 'create-data-node', httpAddress: 'h:1', tcpAddress: 'h:2', dataNodesMax: 1 },
    { kind: 'create-database', name: 'd' },
    { kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [minTimeNs, maxTimeNs] }, // prettier-ignore
    { kind: 'acquire-lease', name: 'l', nodeId: 1, nowNs: maxTimeNs, durationNs: maxTimeNs },
  ] as const;
  const catalog = applied(ends.map((command, i) => encodeLogged({ id: `${i}`, command })));
  const groups = catalog.databases.get('d')?.retentionPolicies[0]?.shardGroups ?? [];
  expect(groups[0]?.startNs).toBeLessThan(-(2n ** 63n));
  expect(groups[1]?.endNs).toBe(maxTimeNs + 1n);
  expect(catalog.leases[0]?.expiresNs).toBe(2n ** 63n - 1n);
  for (const form of ['protobuf', 'json'] as const)
    expect(decodeCatalog(encodeCatalog(catalog, form))).toEqual(catalog);
});

test('catalog codec: what InfluxDB reads is where InfluxDB looks for it', () => {
  const meta = metaMessage.decode(encodeCatalog(applied(commands)));
  expect(meta.databases.map(({ name }) => name)).toEqual(['telegraf', 'other', 'oss']);
  expect(meta.dataNodes?.map(({ host, tcpHost }) => [host, tcpHost])).toEqual([
    ['d1:8086', 'd1:8088'],
    ['d2b:8086', 'd2b:8088'],
    ['d3:8086', 'd3:8088'],
  ]);
  expect(meta.users.find(({ name }) => name === 'todd')?.privileges).toEqual([
    { database: 'telegraf', privilege: 1 },
    { database: 'other', privilege: 3 },
  ]);
  const [group] = must(meta.databases[0], 'a database').retentionPolicies[1]?.shardGroups ?? [];
  expect(group).toMatchObject({ deletedAt: 1_700_000_000_000_000_009n });
});

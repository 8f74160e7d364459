import { expect, test } from 'vitest';
import { ingressUsers } from '../../../src/data/engine/ingress-users.ts';
import { writeShardsMethod } from '../../../src/data/shards/shard-methods.ts';
import type { Engine } from '../../../src/env/engine-host.ts';
import type { RpcTransport } from '../../../src/env/transport.ts';
import { emptyCatalog, type Catalog } from '../../../src/meta/model/catalog.ts';
import { makeStamp, stampBatch } from '../../../src/models/stamp.ts';
import { batchOf } from '../../support/store-script.ts';
import { World } from '../world/world.ts';
import { HintOrder } from './check-hint-order.ts';
import { MetaChecker, type CheckedMeta } from './check-metas.ts';
import { OwnWrite } from './check-own-writes.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { checkAnswer, checkStored } from './check-points.ts';
import { checkWindowBounds, checkWindows, windowsOf } from './check-windows.ts';
import { History, type Receipt } from './history.ts';
import { LastWrites } from './last-writes.ts';
import { type Part, type Row, rowKey, rowText } from './points.ts';
import { Subscribers } from './subscribers.ts';
import { watchEngine } from './watch-engine.ts';

function row(timeNs: bigint, value = '1i'): Row {
  return { series: 'm,client=c1', timeNs, fields: new Map([['i', value]]) };
}

const part: Part = {
  id: 7,
  level: 'all',
  database: 'd',
  replicaCount: 2,
  rows: [row(10n), row(11n)],
  doubtful: [row(12n), row(13n)],
};

function rowsOf(rows: readonly Row[]): Map<string, string> {
  return new Map(rows.map((one) => [rowKey(one.series, one.timeNs), rowText(one.fields)]));
}

const whole = [...part.rows, ...part.doubtful];

/** What the checker says of two nodes that hold these rows, after this history. */
function fault(
  [first, second]: readonly [readonly Row[], readonly Row[]],
  told: { readonly receipt?: Receipt; readonly isAcknowledged?: boolean; readonly isDropped?: boolean } = {}, // prettier-ignore
): string {
  const history = new History();
  history.ask(part);
  if (told.receipt !== undefined)
    history.noteDurable('d1', [rowKey('m,client=c1', 10n)], told.receipt);
  if (told.isAcknowledged === true) history.acknowledged.set(7, 1);
  if (told.isDropped === true) history.dropped.add('d');
  const stored = new Map([['d1', rowsOf(first)], ['d2', rowsOf(second)]]); // prettier-ignore
  try {
    checkStored(history, stored);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

test('checker of points: a history as it should be passes', () => {
  expect(fault([[], []])).toBe('');
  expect(fault([whole, part.rows])).toBe('');
  expect(fault([whole, whole], { receipt: 'whole', isAcknowledged: true })).toBe('');
  expect(fault([part.rows, []], { receipt: 'refused' })).toBe('');
  expect(fault([[], []], { receipt: 'whole', isAcknowledged: true, isDropped: true })).toBe('');
});

test('checker of points: what is lost, invented, changed or there in part is told', () => {
  expect(fault([[row(99n)], []])).toContain('a point nobody wrote');
  expect(fault([[row(10n, '2i'), row(11n)], []])).toContain('has i=2i at');
  expect(fault([[row(10n)], []])).toContain('has 1 points of part 7');
  expect(fault([part.doubtful, []])).toContain('has 0 points of part 7');
  expect(fault([[...part.rows, row(12n)], []])).toContain('refuse or take together');
  expect(fault([[], []], { receipt: 'whole' })).toContain('d1 has lost part 7');
  expect(fault([part.rows, []], { receipt: 'whole' })).toContain('called part 7 whole');
  expect(fault([whole, []], { receipt: 'refused' })).toContain('called part 7 refused');
  expect(fault([whole, []], { isAcknowledged: true })).toContain('is on 1 owners');
});

test('checker of points: an engine that asks for more before it writes has acknowledged nothing', async () => {
  const history = new History();
  history.ask({ ...part, doubtful: [] });
  const receipt = { droppedCount: 1, reason: '', asks: { tags: [] } };
  const engine = { call: () => Promise.resolve({ body: receipt }) } as unknown as Engine;
  const watched = watchEngine(engine, { node: 'd1', history, lastWrites: new LastWrites() });
  const body = { shardId: 5, payload: batchOf('m,client=c1 i=1i 10') };
  await watched.call('write', body, { cancelled: () => false });
  expect(history.durable.get('d1')).toBeUndefined();
  receipt.droppedCount = 0;
  Object.assign(receipt, { asks: undefined });
  await watched.call('write', body, { cancelled: () => false });
  expect(history.durable.get('d1')?.get(part.id)).toBe('whole');
});

test('checker of answers: a point that is missing or nobody wrote is told', () => {
  const history = new History();
  history.ask(part);
  history.acknowledged.set(7, 5);
  const check =
    (rows: readonly Row[], catalogIndex = 5) =>
    () => {
      checkAnswer(history, rowsOf(rows), { measurement: 'm', ids: [7], catalogIndex });
    };
  expect(check(whole)).not.toThrow();
  expect(check([row(10n)])).toThrow('a query missed part 7');
  expect(check([...whole, row(50n)])).toThrow('nobody wrote');
  expect(check([row(10n, '3i'), row(11n)])).toThrow('an answer has i=3i');
  // A node that has not heard of the shard group yet may lack it.
  expect(check([], 4)).not.toThrow();
});

/** A client writes the part through d1; d1 and d2 run as they did, but for `change`; what the checker says of `answer`. */
function ownWrite(answer: readonly Row[], change: (world: StubWorld) => void = () => undefined) {
  const world = new StubWorld();
  const own = new OwnWrite(world as unknown as ClusterWorld, 'd1', part);
  change(world);
  return () => own.check(rowsOf(answer));
}

class StubWorld {
  readonly history = new History();
  readonly data = new Map([['d1', {}], ['d2', {}]]); // prettier-ignore
  readonly drive = { ioErrorRate: 0 };
  readonly world = { network: { changeCount: 1, rates: { loss: 0 }, isBlocked: () => false } };

  constructor() {
    this.history.ask(part);
    this.history.noteDurable('d2', [rowKey('m,client=c1', 10n)], 'whole');
  }

  machine() {
    return this;
  }
}

test('checker of own writes: what the node has acknowledged it shows, while an owner that has it is there', () => {
  expect(ownWrite(whole)()).toBe(true);
  expect(ownWrite([row(10n)])).toThrow('d1 does not show part 7');
  expect(ownWrite([], (world) => world.data.set('d2', {}))()).toBe(false);
  expect(ownWrite([], (world) => (world.world.network.changeCount = 2))()).toBe(false);
  expect(ownWrite([], (world) => (world.drive.ioErrorRate = 0.1))()).toBe(false);
});

test('checker of registers: a value that a later stamp has written over, lost or invented is told', () => {
  const writes = new LastWrites();
  const begin = (value: string, stamp: bigint) =>
    writes.begin('d1', 'o 1', { value, stamp, shardId: 5 });
  // Arrived in another order than they were stamped.
  begin('b', 20n).durable();
  begin('a', 10n).durable();
  begin('c', 30n);
  const check = (value?: string) => () => {
    writes.check('d1', new Map(value === undefined ? [] : [['o 1', value]]));
  };
  expect(check('b')).not.toThrow();
  // It was under way, and may have been taken.
  expect(check('c')).not.toThrow();
  expect(check('a')).toThrow('has a at o 1, written over by b or c');
  expect(check('z')).toThrow('has z');
  expect(check()).toThrow('has lost o 1');
  expect(() => {
    writes.check('d1', new Map([['o 2', 'a'], ['o 1', 'b']])); // prettier-ignore
  }).toThrow('a register nobody wrote');
});

test('checker of registers: what was under way in a crash may be there, but not over what was stamped later', () => {
  const writes = new LastWrites();
  writes.begin('d1', 'o 1', { value: 'a', stamp: 10n, shardId: 5 });
  const check = () => {
    writes.check('d1', new Map([['o 1', 'a']]));
  };
  expect(check).not.toThrow();
  writes.begin('d1', 'o 1', { value: 'b', stamp: 20n, shardId: 5 }).durable();
  expect(check).toThrow('written over by b');
});

test('checker of registers: a value that a later delete has struck, and one that an earlier one has, are told', () => {
  const writes = new LastWrites();
  const erase = (stamp: bigint, shardId = 5) =>
    writes.beginDelete('d1', { stamp, minTimeNs: 0n, maxTimeNs: 9n, shardIds: new Set([shardId]), isMeant: (key) => key === 'o 1' }); // prettier-ignore
  const check = (value?: string) => () => {
    writes.check('d1', new Map(value === undefined ? [] : [['o 1', value]]));
  };
  writes.begin('d1', 'o 1', { value: 'a', stamp: 10n, shardId: 5 }).durable();
  // Of another shard, and one that is earlier than the value.
  erase(90n, 6).durable();
  erase(9n).durable();
  expect(check('a')).not.toThrow();
  expect(check()).toThrow('has lost o 1');
  const late = erase(20n);
  // It may have been done or not.
  expect(check('a')).not.toThrow();
  expect(check()).not.toThrow();
  late.durable();
  expect(check('a')).toThrow('has a at o 1, written over by a delete');
  writes.begin('d1', 'o 1', { value: 'b', stamp: 30n, shardId: 5 }).durable();
  expect(check()).toThrow('has lost o 1');
  expect(check('b')).not.toThrow();
  expect(writes.deleteCount).toBe(3);
});

test('checker of windows: only what one owner holds will do', () => {
  const one = windowsOf(rowsOf([row(10n, '5i'), row(11n, '7i')]));
  const other = windowsOf(rowsOf([row(10n, '5i')]));
  const check = (answer: typeof one) => () => {
    checkWindows(answer, one.keys(), () => [one, other]);
  };
  expect(check(one)).not.toThrow();
  expect(check(other)).not.toThrow();
  expect(check(new Map())).toThrow('is empty');
  expect(check(windowsOf(rowsOf([row(10n, '5i'), row(11n, '8i')])))).toThrow('is 2 13 8');
});

test('checker of bounds: windows count what all owners had, and nothing that nobody wrote', () => {
  const one = windowsOf(rowsOf([row(10n, '5i')]));
  const both = windowsOf(rowsOf([row(10n, '5i'), row(11n, '7i')]));
  expect(() => {
    checkWindowBounds(one, one, both);
    checkWindowBounds(both, one, both);
    checkWindowBounds(new Map(), new Map(), both);
  }).not.toThrow();
  expect(() => {
    checkWindowBounds(one, both, both);
  }).toThrow('counts 1, and all owners had 2');
  expect(() => {
    checkWindowBounds(new Map(), one, both);
  }).toThrow('counts 0, and all owners had 1');
  expect(() => {
    checkWindowBounds(both, one, one);
  }).toThrow('counts 2, of 1 ever written');
});

test('checker of subscribers: a line that comes twice is told, but not what a continuous query may compute again', () => {
  const world = new World(1);
  const subscribers = new Subscribers(world);
  const post = (host: string, text: string) =>
    world.receivers.get(host)?.post('', Buffer.from(text));
  post('s1:9000', 'm v=1i 1\nplain n=1i 2\n');
  post('s3:9000', 'm v=1i 1\n');
  post('s1:9000', 'plain n=1i 2\n');
  expect(subscribers.lineCount).toBe(3);
  expect(() => {
    subscribers.check();
  }).not.toThrow();
  world.receivers.get('s2:9000')?.datagram(Buffer.from('m v=1i 1'));
  world.receivers.get('s2:9000')?.datagram(Buffer.from('m v=1i 1'));
  expect(() => {
    subscribers.check();
  }).toThrow('s2:9000 got 2 times what was sent once: m v=1i 1');
});

/** Of so many nanoseconds; what else is in it nobody looks at. */
function withStamp(ns: bigint): Uint8Array {
  const payload = new Uint8Array(64);
  stampBatch(payload, makeStamp(ns, 4));
  return payload;
}

test('checker of hints: what overtakes what was queued before it is told, but not what is brought again', async () => {
  const told: string[] = [];
  const order = new HintOrder((error) => told.push(error.message));
  const batches = [1n, 2n, 3n].map(withStamp);
  for (const payload of batches) order.noteQueued('d1', 'd2', 5, payload);
  const written = { kind: 'written', droppedCount: 0, reason: '' } as const;
  const refused = { kind: 'failed', code: 'unavailable', text: '' } as const;
  const bring = async (...brought: readonly (readonly [at: number, isTaken?: boolean])[]) => {
    const outcomes = brought.map(([, isTaken = true]) => (isTaken ? written : refused));
    const transport = { call: () => Promise.resolve(writeShardsMethod.reply.encode({ outcomes })) };
    const sent = brought.map(([at]) => ({ shardId: 5, database: 'd', retentionPolicy: 'r', payload: batches[at] ?? new Uint8Array(), login: ingressUsers.hintedHandoff })); // prettier-ignore
    const request = writeShardsMethod.request.encode({ batches: sent });
    const watched = order.watch(transport as unknown as RpcTransport, 'd1');
    await watched.call('d2:8088', writeShardsMethod.path, request, { deadlineMs: 1 });
  };
  await bring([0], [1, false]);
  await bring([0], [1]);
  expect([told, order.inOrderCount]).toEqual([[], 0]);
  order.noteQueued('d1', 'd2', 5, withStamp(4n));
  batches.push(withStamp(4n));
  await bring([3], [2]);
  const expected = ['d1 d2 5: what was queued as number 3 was brought behind number 4'];
  expect([told, order.inOrderCount]).toEqual([expected, 2]);
  // The last one waits for d3 as well: once d3 has left, its queue goes to d2.
  batches.push(withStamp(5n), withStamp(6n));
  for (const payload of batches.slice(4)) order.noteQueued('d1', 'd2', 5, payload);
  order.noteQueued('d1', 'd3', 5, withStamp(6n));
  await bring([5], [4]);
  expect(told).toEqual(expected);
  // What could not be queued is queued again, behind what came meanwhile; what is on the disk of both comes out.
  batches.push(withStamp(7n), withStamp(8n));
  for (const at of [6, 7, 6]) order.noteQueued('d1', 'd2', 5, batches[at] ?? new Uint8Array());
  await bring([6], [7], [6]);
  expect(told).toEqual(expected);
  batches.push(withStamp(9n), withStamp(10n));
  for (const at of [8, 9, 8]) order.noteQueued('d1', 'd2', 5, batches[at] ?? new Uint8Array());
  await bring([9], [8]);
  expect(told).toEqual(expected);
  // One that an owner has not taken comes behind the one beside it.
  batches.push(withStamp(11n), withStamp(12n));
  for (const at of [10, 11]) order.noteQueued('d1', 'd2', 5, batches[at] ?? new Uint8Array());
  await bring([10, false], [11]);
  await bring([10], [11]);
  expect(told).toEqual(expected);
  // It is queued once more, as what a node had in hand that died: what waits between the two is not behind the later place.
  batches.push(withStamp(13n), withStamp(14n), withStamp(15n));
  for (const at of [12, 13, 14, 12])
    order.noteQueued('d1', 'd2', 5, batches[at] ?? new Uint8Array());
  await bring([12, false], [13]);
  await bring([12], [14]);
  expect(told).toEqual(expected);
  // The queue of d3 goes to d2 first, and has what waits behind the others in that of d2, where these are queued twice.
  batches.push(withStamp(16n), withStamp(17n), withStamp(18n));
  for (const at of [15, 16, 17, 15]) order.noteQueued('d1', 'd2', 5, batches[at] ?? new Uint8Array()); // prettier-ignore
  order.noteQueued('d1', 'd3', 5, withStamp(18n));
  await bring([17]);
  await bring([15], [16], [17]);
  expect(told).toEqual(expected);
  // Something that waits for both between two hides nothing.
  batches.push(withStamp(19n), withStamp(20n), withStamp(21n));
  for (const at of [18, 19, 20]) order.noteQueued('d1', 'd2', 5, batches[at] ?? new Uint8Array());
  order.noteQueued('d1', 'd3', 5, withStamp(21n));
  await bring([19], [20], [18]);
  expect(told).toHaveLength(2);
});

test('checker of metas: two leaders of a term, and two catalogs of an index, are told', () => {
  const meta = (term: number, isLeader: boolean, catalog: Partial<Catalog>): CheckedMeta => ({
    isLeader,
    status: { term },
    catalog: { ...emptyCatalog, ...catalog },
  });
  const check = (...metas: CheckedMeta[]) => {
    new MetaChecker().check(new Map(metas.map((one, i) => [`m${i}`, one])));
  };
  check(meta(3, true, { index: 5 }), meta(2, true, { index: 5 }), meta(3, false, { index: 6 }));
  expect(() => {
    check(meta(3, true, {}), meta(3, true, {}));
  }).toThrow('both lead term 3');
  expect(() => {
    check(meta(1, true, { index: 5 }), meta(1, false, { index: 5, maxShardId: 1 }));
  }).toThrow('another catalog at 5');
  const checker = new MetaChecker();
  checker.check(new Map([['m1', meta(4, true, {})]]));
  expect(() => {
    checker.check(new Map([['m2', meta(4, true, {})]]));
  }).toThrow('m1 and m2 both lead term 4');
});

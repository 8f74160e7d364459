import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { DbError } from '../../../base/errors.ts';
import type { Statement } from '../../../influxql/ast.ts';
import { parseQuery } from '../../../influxql/parser.ts';
import { emptyCatalog, type ShardInfo } from '../../../meta/model/catalog.ts';
import type { ShardAccess, ShardMarks } from '../../engine/shard-access.ts';
import { KnownLists, type Listing, type ListPlace } from './known-lists.ts';

const place = { database: 'd', retentionPolicy: '' };
const shard = { id: 7, owners: [1, 2] } as unknown as ShardInfo;
const otherShard = { id: 8, owners: [2] } as unknown as ShardInfo;
const answer = Buffer.from('{"results":[]}\n');

/** A node whose state a test changes. */
class Node {
  catalog = { ...emptyCatalog, clusterId: 3n, index: 10 };
  nodeId = 1;
  listVersion: number | undefined = 5;
  missed = 0;
  /** What stands for the lists of node 2; 'away' where it does not answer. */
  mark = '1.1';
  marksCount = 0;
  /** What node 2 has given its word for. */
  pledged: string | undefined;
  readonly lists = new KnownLists({
    meta: this,
    shards: {
      of: (nodeId) => (nodeId === 1 ? { listVersion: this.listVersion } : { marks: () => this.#marks(), pledgedLists: this.pledged }) as unknown as ShardAccess, // prettier-ignore
      missedAt: (_shardId, nodeId) => (nodeId === this.missedNode ? this.missed : 0),
    },
  });
  missedNode = 1;

  async #marks(): Promise<ShardMarks> {
    this.marksCount++;
    await Promise.resolve();
    if (this.mark === 'away') throw new DbError('unavailable', 'the node is away');
    return { schemas: '', lists: this.mark };
  }

  /** Of lists that this node alone has answered nobody waits. */
  find(statement: Statement, asked: ListPlace): Buffer | undefined {
    const found = this.#found(statement, asked);
    if (found instanceof Promise) throw new Error('nobody else is to be asked');
    return found;
  }

  async findShared(statement: Statement): Promise<Buffer | undefined> {
    return this.#found(statement, place);
  }

  #found(statement: Statement, asked: ListPlace): ReturnType<KnownLists['find']> {
    return this.lists.find(statement, asked, new AbortController().signal);
  }

  /** As a statement that was asked once before is answered and kept. */
  keep(statement: Statement, bytes = answer, made: (listing: Listing) => void = ownAnswer): void {
    this.lists.begin(statement, place);
    const listing = this.lists.begin(statement, place);
    if (listing === undefined) return;
    made(listing);
    listing.keep(bytes);
  }
}

function ownAnswer(listing: Listing): void {
  listing.chosen([shard], new Map([[1, [7]]]));
  listing.answered();
}

function sharedAnswer(listing: Listing): void {
  listing.chosen([shard, otherShard], new Map([[1, [7]], [2, [8]]])); // prettier-ignore
  listing.answeredBy(2, '1.1');
  listing.answered();
}

function statement(text = 'SHOW TAG VALUES FROM m WITH KEY = host'): Statement {
  return parseQuery(text)[0] as Statement;
}

test('known lists: a statement that is asked a third time has the bytes of the second', () => {
  const node = new Node();
  const asked = statement();
  expect(node.find(asked, place)).toBeUndefined();
  expect(node.lists.begin(asked, place)).toBeUndefined();
  node.keep(asked);
  expect(node.find(asked, place)?.equals(answer)).toBe(true);
  expect(node.find(statement(), place)).toBeUndefined();
});

const changes: readonly [string, (node: Node) => void][] = [
  ['a series has come', (node) => (node.listVersion = 6)],
  ['the catalog is another', (node) => (node.catalog = { ...node.catalog, index: 11 })],
  ['the cluster is another', (node) => (node.catalog = { ...node.catalog, clusterId: 4n })],
  ['this node lacks a write', (node) => (node.missed = 1)],
];

test.each(changes)('known lists: nothing is given once %s', (_what, change) => {
  const node = new Node();
  const asked = statement();
  node.keep(asked);
  expect(node.find(asked, place)).toBeDefined();
  change(node);
  expect(node.find(asked, place)).toBeUndefined();
});

test('known lists: with other nodes each of them is asked every time', async () => {
  const node = new Node();
  const asked = statement();
  node.keep(asked, answer, sharedAnswer);
  for (let i = 1; i < 3; i++) {
    expect((await node.findShared(asked))?.equals(answer)).toBe(true);
    expect(node.marksCount).toBe(i);
  }
});

test('known lists: a node that has given its word is not asked, for the lists that it has given it for', async () => {
  const node = new Node();
  const asked = statement();
  node.keep(asked, answer, sharedAnswer);
  node.pledged = '1.1';
  expect(node.find(asked, place)?.equals(answer)).toBe(true);
  expect(node.marksCount).toBe(0);
  node.pledged = '1.2';
  node.mark = '1.2';
  expect(await node.findShared(asked)).toBeUndefined();
  expect(node.marksCount).toBe(1);
});

const changesElsewhere: readonly [string, (node: Node) => void][] = [
  ['a series has come there', (node) => (node.mark = '1.2')],
  ['that node is away', (node) => (node.mark = 'away')],
  ['that node lacks a write', (node) => ([node.missed, node.missedNode] = [1, 2])],
  ['a series has come here', (node) => (node.listVersion = 6)],
];

test.each(changesElsewhere)(
  'known lists: nothing of two nodes is given once %s',
  async (_what, change) => {
    const node = new Node();
    const asked = statement();
    node.keep(asked, answer, sharedAnswer);
    expect(await node.findShared(asked)).toBeDefined();
    change(node);
    expect(await node.findShared(asked)).toBeUndefined();
  },
);

test('known lists: what changes while a list is made leaves nothing behind', () => {
  const node = new Node();
  const asked = statement();
  node.keep(asked, answer, (listing) => {
    ownAnswer(listing);
    node.listVersion = 6;
  });
  expect(node.find(asked, place)).toBeUndefined();
});

test('known lists: another database or policy of the request is another answer', () => {
  const node = new Node();
  const asked = statement();
  node.keep(asked);
  expect(node.find(asked, { ...place, database: 'e' })).toBeUndefined();
  expect(node.find(asked, { ...place, retentionPolicy: 'p' })).toBeUndefined();
});

const halves: readonly [string, (listing: Listing) => void][] = [
  ['an error', (listing) => listing.chosen([shard], new Map([[1, [7]]]))],
  ['what another node answered without a mark', (listing) => {
    listing.chosen([shard], new Map([[2, [7]]]));
    listing.answered();
  }],
  ['what was read at two states of another node', (listing) => {
    listing.answeredBy(2, '1.0');
    sharedAnswer(listing);
  }],
  ['what a shard had at two owners', (listing) => {
    listing.chosen([shard], new Map([[2, [7]]]));
    sharedAnswer(listing);
  }],
  ['a second try without a shard', (listing) => {
    ownAnswer(listing);
    listing.chosen([shard], new Map());
  }],
]; // prettier-ignore

test.each(halves)('known lists: %s is not kept', (_what, made) => {
  const node = new Node();
  const asked = statement();
  node.keep(asked, answer, made);
  expect(node.find(asked, place)).toBeUndefined();
});

test.each([
  'SHOW SERIES WHERE time > now() - 1h',
  "SHOW TAG VALUES WITH KEY = a WHERE (b = 'x' AND 5 < time)",
  'SHOW SERIES CARDINALITY',
  'SHOW QUERIES',
  'SHOW SHARDS',
])('known lists: %s is made each time', (text) => {
  const node = new Node();
  const asked = statement(text);
  node.keep(asked);
  expect(node.find(asked, place)).toBeUndefined();
});

test('known lists: without anybody who tells of series nothing is kept', () => {
  const node = new Node();
  node.listVersion = undefined;
  const asked = statement();
  node.keep(asked);
  expect(node.find(asked, place)).toBeUndefined();
});

test('known lists: long answers are not kept, and all together are bounded', () => {
  const node = new Node();
  const long = statement();
  node.keep(long, Buffer.alloc(1_048_577));
  expect(node.find(long, place)).toBeUndefined();
  // Half as much again may be their form as gzip.
  const asked = Array.from({ length: 11 }, () => statement());
  for (const one of asked.slice(0, 10)) node.keep(one, Buffer.alloc(1_048_576));
  // Looked for again, so that the second one is the oldest.
  expect(node.find(asked[0] as Statement, place)).toBeDefined();
  node.keep(asked[10] as Statement, Buffer.alloc(1_048_576));
  const isKept = asked.map((one) => node.find(one, place) !== undefined);
  expect(isKept).toEqual(asked.map((_one, i) => i !== 1));
});

test('known lists: the bytes are a copy', () => {
  const node = new Node();
  const asked = statement();
  const bytes = Buffer.from(answer);
  node.keep(asked, bytes);
  bytes.fill(0);
  expect(node.find(asked, place)?.equals(answer)).toBe(true);
});

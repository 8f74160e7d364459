import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { Latch } from '../../base/async/latch.ts';
import { MiB } from '../../base/units.ts';
import { applyCommand } from '../../meta/apply/apply.ts';
import type { CatalogNews } from '../../meta/apply/catalog-changes.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import type { Command } from '../../meta/command/command.ts';
import { Subscriptions, type ForwardedWrite, type SubscriptionsOptions } from './subscriptions.ts';

const defaults: SubscriptionsOptions = {
  timeoutMs: 1_000,
  concurrencyMax: 2,
  requestsMax: 3,
  bytesMax: 0,
  trust: { isVerified: true },
};

/** A node, its catalog, and servers that note what they get. */
class Setting {
  readonly world = new World(1);
  readonly got: string[] = [];
  /** What is sent is prepared once it opens. */
  prepares: Promise<unknown> = Promise.resolve();
  readonly subscriptions: Subscriptions;
  catalog: Catalog = emptyCatalog;
  readonly #listeners = new Set<(news: CatalogNews) => void>();
  #index = 0;

  constructor(options: Partial<SubscriptionsOptions> = {}) {
    const { clock, log, outbound } = this.world.addNode('d1').env;
    const catalogOf = (): Catalog => this.catalog;
    const meta = {
      get catalog() {
        return catalogOf();
      },
      watch: (listener: (news: CatalogNews) => void) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
    const prepare = async ({ body }: ForwardedWrite) => {
      await this.prepares;
      const ends = Uint32Array.from(
        [...body.entries()].flatMap(([at, byte]) => (byte === 10 ? [at + 1] : [])),
      );
      return { lines: body, ends, unprintableCount: 0 };
    };
    this.do({ kind: 'create-database', name: 'db' });
    this.subscriptions = new Subscriptions(
      { clock, log, meta, outbound, prepare },
      { ...defaults, ...options },
    );
  }

  do(command: Command): void {
    const before = this.catalog;
    const { catalog } = applyCommand(before, ++this.#index, { id: `${this.#index}`, command });
    this.catalog = catalog;
    for (const listener of this.#listeners)
      listener({ before, after: catalog, droppedShardIds: [] });
  }

  async create(
    name: string,
    mode: 'ALL' | 'ANY',
    ...destinations: readonly string[]
  ): Promise<void> {
    this.do({
      kind: 'create-subscription',
      database: 'db',
      retentionPolicy: 'autogen',
      name,
      mode,
      destinations,
    });
    await this.pass(200);
  }

  /** Answers with this status; undefined never answers. */
  serve(host: string, status: () => number | undefined = () => 204): void {
    this.world.receivers.set(host, {
      post: (url, body) => {
        this.got.push(`${host} ${Buffer.from(body).toString().trimEnd()}`);
        const answer = status();
        return answer === undefined ? undefined : { status: answer, text: `status of ${url}` };
      },
      datagram: (part) => this.got.push(`${host} ${Buffer.from(part).toString()}`),
    });
  }

  write(...lines: readonly string[]): void {
    const body = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
    this.subscriptions.send({
      database: 'db',
      retentionPolicy: 'autogen',
      body,
      stepNs: 1n,
      defaultTimeNs: 0n,
    });
  }

  pass(durationMs: number): Promise<void> {
    return this.world.run(this.world.nowMs + durationMs);
  }

  /** Its own numbers, then those of each destination: points and failures. */
  get counts(): readonly unknown[] {
    return this.subscriptions
      .statistics()
      .map(({ values }) => [values['pointsWritten'], values['writeFailures']]);
  }
}

test('subscriptions: statistics name a destination without its password, which it gets', async () => {
  const setting = new Setting();
  setting.serve('a:1');
  await setting.create('s', 'ALL', 'http://user:secret@a:1');
  setting.write('m f=1 1');
  await setting.pass(100);
  const [, one] = setting.subscriptions.statistics();
  expect(one?.tags['destination']).toBe('http://user:[REDACTED]@a:1');
  expect(setting.got).toEqual(['a:1 m f=1 1']);
});

test('subscriptions: one of an earlier release whose password has a bare % is sent to', async () => {
  const setting = new Setting();
  setting.serve('a:1');
  await setting.create('s', 'ALL', 'http://user:50%off@a:1');
  setting.write('m f=1 1');
  await setting.pass(100);
  expect([setting.got, setting.counts]).toEqual([['a:1 m f=1 1'], [[1, 0], [1, 0]]]); // prettier-ignore
});

test('subscriptions: ALL sends to each, datagrams a point at a time', async () => {
  const setting = new Setting();
  setting.serve('a:1');
  setting.serve('b:2');
  setting.serve('c:3');
  await setting.create('s', 'ALL', 'http://a:1', 'http://b:2/path/', 'udp://c:3');
  setting.write('m f=1 1', 'm f=2 2');
  await setting.pass(100);
  expect(setting.got).toEqual([
    'a:1 m f=1 1\nm f=2 2',
    'b:2 m f=1 1\nm f=2 2',
    'c:3 m f=1 1',
    'c:3 m f=2 2',
  ]);
  expect(setting.counts).toEqual([
    [2, 0],
    [2, 0],
    [2, 0],
    [2, 0],
  ]);
});

test('subscriptions: ANY takes turns, and goes on to one that takes them', async () => {
  const setting = new Setting();
  setting.serve('a:1');
  setting.serve('b:2', () => 500);
  setting.serve('c:3');
  await setting.create('s', 'ANY', 'http://a:1', 'http://b:2', 'http://c:3');
  for (let i = 1; i <= 4; i++) {
    setting.write(`m f=${i} 1`);
    await setting.pass(100);
  }
  // Who is next to one that is away has no more of them than the others.
  expect(setting.got).toEqual([
    'a:1 m f=1 1',
    'b:2 m f=2 1',
    'c:3 m f=2 1',
    'a:1 m f=3 1',
    'b:2 m f=4 1',
    'c:3 m f=4 1',
  ]);
  expect(setting.counts).toEqual([
    [4, 0],
    [2, 0],
    [0, 2],
    [2, 0],
  ]);
});

test('subscriptions: one that fails does not keep the others of ALL from theirs', async () => {
  const setting = new Setting();
  setting.serve('b:2');
  await setting.create('s', 'ALL', 'http://away:1', 'http://b:2');
  setting.write('m f=1 1');
  await setting.pass(100);
  expect(setting.got).toEqual(['b:2 m f=1 1']);
  expect(setting.counts).toEqual([
    [0, 1],
    [0, 1],
    [1, 0],
  ]);
});

test('subscriptions: a receiver that does not answer fills its own buffer, and no more', async () => {
  const setting = new Setting();
  setting.serve('slow:1', () => undefined);
  setting.serve('b:2');
  await setting.create('slow', 'ALL', 'http://slow:1');
  await setting.create('s', 'ALL', 'http://b:2');
  for (let i = 0; i < 20; i++) {
    setting.write(`m f=${i} 1`);
    await setting.pass(10);
  }
  // Two on their way, three that wait.
  expect(setting.got.filter((line) => line.startsWith('slow'))).toHaveLength(2);
  expect(setting.got.filter((line) => line.startsWith('b'))).toHaveLength(20);
  expect(setting.counts).toEqual([
    [20, 15],
    [0, 0],
    [20, 0],
  ]);
  expect(setting.subscriptions.statistics()[0]?.values['memUsage']).toBe(
    5 * (8 + 4 + 'db'.length + 'autogen'.length),
  );
  await setting.pass(5_000);
  // What waited was tried and failed too, once each.
  expect(setting.counts).toEqual([
    [20, 20],
    [0, 5],
    [20, 0],
  ]);
  expect(setting.subscriptions.statistics()[0]?.values['memUsage']).toBe(0);
});

test('subscriptions: the bytes of all are shared out among them', async () => {
  const setting = new Setting({ bytesMax: 300, requestsMax: 100 });
  setting.serve('slow:1', () => undefined);
  await setting.create('a', 'ALL', 'http://slow:1');
  await setting.create('b', 'ALL', 'http://slow:1');
  const line = `m f="${'x'.repeat(60)}" 1`;
  for (let i = 0; i < 5; i++) setting.write(line);
  await setting.pass(10);
  expect(setting.counts[0]).toEqual([0, 8]);
});

test.each(['drop-subscription', 'drop-database'] as const)(
  'subscriptions: after %s nothing is sent any more',
  async (kind) => {
    const setting = new Setting();
    setting.serve('a:1', () => undefined);
    await setting.create('s', 'ALL', 'http://a:1');
    expect(setting.subscriptions.areFor('db', 'autogen')).toBe(true);
    for (let i = 0; i < 5; i++) setting.write(`m f=${i} 1`);
    await setting.pass(10);
    expect(setting.got).toHaveLength(2);
    setting.do(
      kind === 'drop-database'
        ? { kind, name: 'db' }
        : { kind, database: 'db', retentionPolicy: 'autogen', name: 's' },
    );
    await setting.pass(5_000);
    expect(setting.got).toHaveLength(2);
    expect(setting.subscriptions.areFor('db', 'autogen')).toBe(false);
    setting.write('m f=9 1');
    await setting.pass(100);
    expect(setting.got).toHaveLength(2);
  },
);

test('subscriptions: one that is made anew under its name sends to its new place alone', async () => {
  const setting = new Setting();
  setting.serve('a:1');
  setting.serve('b:2');
  await setting.create('s', 'ALL', 'http://a:1');
  setting.do({ kind: 'drop-subscription', database: 'db', retentionPolicy: 'autogen', name: 's' });
  await setting.create('s', 'ALL', 'http://b:2');
  setting.write('m f=1 1');
  await setting.pass(100);
  expect(setting.got).toEqual(['b:2 m f=1 1']);
});

test('subscriptions: a stop waits a moment for what is on its way, and no longer', async () => {
  const setting = new Setting({ timeoutMs: 60_000 });
  setting.serve('a:1', () => undefined);
  setting.serve('b:2');
  await setting.create('s', 'ALL', 'http://b:2');
  await setting.create('t', 'ALL', 'http://a:1');
  setting.write('m f=1 1');
  await setting.world.complete(setting.subscriptions.close(), 5_000);
  expect(setting.got).toEqual(['b:2 m f=1 1', 'a:1 m f=1 1']);
  setting.write('m f=2 1');
  await setting.pass(100);
  expect(setting.got).toHaveLength(2);
});

test('subscriptions: bodies that wait to be prepared are 64 MiB together, or one that is larger, and what is past that is counted', async () => {
  const setting = new Setting({ requestsMax: 100 });
  await setting.create('s', 'ALL', 'http://a:1');
  const send = (lengthBytes: number): boolean =>
    setting.subscriptions.send({
      database: 'db',
      retentionPolicy: 'autogen',
      body: new Uint8Array(lengthBytes),
      stepNs: 1n,
      defaultTimeNs: 0n,
    });
  setting.prepares = Promise.reject(new Error('its thread has ended'));
  expect(send(65 * MiB)).toBe(true);
  await setting.pass(1);
  const prepared = new Latch<undefined>();
  setting.prepares = prepared.promise;
  expect([64 * MiB - 5, 5, 1].map(send)).toEqual([true, true, false]);
  expect(setting.counts[0]).toEqual([0, 1]);
  // Nobody subscribes there.
  expect(setting.subscriptions.send({ database: 'other', retentionPolicy: 'autogen', body: new Uint8Array(1), stepNs: 1n, defaultTimeNs: 0n })).toBe(true); // prettier-ignore
});

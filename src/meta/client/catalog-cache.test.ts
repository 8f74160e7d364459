import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { must } from '../../base/assert.ts';
import type { Env } from '../../env/env.ts';
import { encodeMessage, isMessageBlock } from '../../rpc/message.ts';
import { applyCommand } from '../apply/apply.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { countsOf } from '../apply/catalog-changes.ts';
import { encodeLogged } from '../codec/command-codec.ts';
import type { Command } from '../command/command.ts';
import { CatalogCache } from './catalog-cache.ts';

/** A catalog and its copy on the disk of a machine that the test may crash. */
class Cached {
  readonly world = new World(5);
  readonly warned: string[] = [];
  catalog: Catalog = emptyCatalog;
  cache: CatalogCache;

  constructor() {
    this.world.addNode('d1');
    this.cache = this.#open();
  }

  get env(): Env {
    return must(this.world.nodes[0], 'd1').env;
  }

  #open(): CatalogCache {
    const log = { ...this.env.log, warn: (_text: string, fields?: object) => this.warned.push(JSON.stringify(fields)) }; // prettier-ignore
    return new CatalogCache({ disk: this.env.disk, log }, 'meta');
  }

  async start(): Promise<void> {
    await this.world.complete(this.env.disk.makeDir('meta'));
    await this.world.complete(this.env.disk.syncDir('.'));
  }

  do(command: Command): void {
    const index = this.catalog.index + 1;
    const logged = { id: `${index}`, command };
    this.catalog = { ...applyCommand(this.catalog, index, logged).catalog, answered: [] };
    const changes = [{ index, command: encodeLogged(logged) }];
    const step = { fromIndex: index - 1, toIndex: index, changes, counts: countsOf(this.catalog) };
    this.cache.add(step, this.catalog);
  }

  create(name: string): void {
    this.do({ kind: 'create-database', name });
  }

  /** Names of the databases that a node finds that starts again. */
  async reread(): Promise<readonly string[]> {
    await this.world.complete(this.cache.close());
    this.cache = this.#open();
    return (await this.world.complete(this.cache.read())).databases.map(({ name }) => name);
  }

  async bytesOf(name: string): Promise<Uint8Array> {
    return this.world.complete(this.env.disk.readFile(`meta/${name}`));
  }

  put(name: string, bytes: Uint8Array): Promise<void> {
    return this.world.complete(this.env.disk.replaceFile(`meta/${name}`, bytes));
  }
}

test('catalog cache: what was changed is there again, also after changes to what was read', async () => {
  const cached = new Cached();
  await cached.start();
  expect(await cached.reread()).toEqual([]);
  cached.create('a');
  await cached.world.run(cached.world.nowMs + 100);
  cached.create('b');
  expect(await cached.reread()).toEqual(['a', 'b']);
  cached.create('c');
  cached.do({ kind: 'drop-database', name: 'a' });
  expect(await cached.reread()).toEqual(['b', 'c']);
  expect(cached.warned).toEqual([]);
});

test('catalog cache: a change writes its own bytes, and the changes are never more than the whole and a step', async () => {
  const cached = new Cached();
  await cached.start();
  for (let i = 0; i < 3_000; i++) cached.create(`database-${i}`);
  await cached.world.run(cached.world.nowMs + 1_000);
  const whole = (await cached.bytesOf('catalog')).length;
  let before = (await cached.bytesOf('catalog.changes')).length;
  const grown: number[] = [];
  for (let i = 0; i < 50; i++) {
    cached.create(`more-${i}`);
    await cached.world.run(cached.world.nowMs + 100);
    const after = (await cached.bytesOf('catalog.changes')).length;
    grown.push(after - before);
    before = after;
  }
  expect(Math.max(...grown)).toBeLessThan(500);
  expect(Math.min(...grown)).toBeGreaterThan(0);
  for (let i = 0; i < 20_000; i++) {
    cached.do({ kind: 'acquire-lease', name: 'x', nodeId: i, nowNs: BigInt(i) * 9n, durationNs: 5n }); // prettier-ignore
    if (i % 100 === 0) await cached.world.run(cached.world.nowMs + 100);
  }
  await cached.world.run(cached.world.nowMs + 1_000);
  expect((await cached.bytesOf('catalog.changes')).length).toBeLessThan(Math.max(1 << 20, whole) + 100_000); // prettier-ignore
  expect(await cached.reread()).toHaveLength(3_050);
});

test.each(['cut', 'flipped'])(
  'catalog cache: of changes whose end is %s those before are kept, and later ones are not lost',
  async (how) => {
    const cached = new Cached();
    await cached.start();
    cached.cache.replace(cached.catalog);
    await cached.world.run(cached.world.nowMs + 100);
    for (const name of ['a', 'b', 'c']) cached.create(name);
    expect(await cached.reread()).toEqual(['a', 'b', 'c']);
    const bytes = await cached.bytesOf('catalog.changes');
    const damaged = how === 'cut' ? bytes.slice(0, -3) : bytes.slice();
    if (how === 'flipped') damaged[bytes.length - 9] = (damaged[bytes.length - 9] ?? 0) ^ 1;
    await cached.put('catalog.changes', damaged);
    expect(await cached.reread()).toEqual(['a', 'b']);
    // The node fetches what it lacks, and goes on.
    cached.cache.replace(cached.catalog);
    cached.create('d');
    expect(await cached.reread()).toEqual(['a', 'b', 'c', 'd']);
  },
);

test.each([
  ['empty', () => new Uint8Array()],
  ['of zeros', () => new Uint8Array(4_096)],
  ['another message', () => encodeMessage({ version: 1, databases: 7 })],
  ['of a newer release', () => encodeMessage({ version: 99, databases: [] })],
])('catalog cache: a whole that is %s is named and fetched anew', async (_what, bytes) => {
  const cached = new Cached();
  await cached.start();
  cached.create('a');
  await cached.world.run(cached.world.nowMs + 100);
  await cached.put('catalog', bytes());
  expect(await cached.reread()).toEqual([]);
  expect(cached.warned.join()).toContain('"path":"meta/catalog"');
  cached.cache.replace(cached.catalog);
  expect(await cached.reread()).toEqual(['a']);
});

test('catalog cache: a crash at any call leaves a catalog that was, and not an old one once all was written', async () => {
  for (let calls = 1; calls < 12; calls++) {
    const cached = new Cached();
    await cached.start();
    cached.create('a');
    await cached.world.run(cached.world.nowMs + 100);
    const node = must(cached.world.nodes[0], 'd1');
    let isUp = true;
    const crash = (): void => {
      if (isUp) node.crash();
      isUp = false;
    };
    node.drive.afterCalls(calls, crash);
    for (const name of ['b', 'c']) {
      cached.create(name);
      if (calls % 2 === 0) cached.cache.replace(cached.catalog);
      await cached.world.run(cached.world.nowMs + 100);
    }
    crash();
    node.restart();
    const again = new CatalogCache({ disk: node.env.disk, log: node.env.log }, 'meta');
    const names = (await cached.world.complete(again.read())).databases.map(({ name }) => name);
    expect([['a'], ['a', 'b'], ['a', 'b', 'c']]).toContainEqual(names);
  }
});

test('catalog cache: what a release of the form before kept is read, and written anew with the next change', async () => {
  const path = new URL('../apply/testdata/json-form.txt', import.meta.url);
  const recorded = readFileSync(path, 'utf8').split('\n').map((line) => line.split(' ')); // prettier-ignore
  const cached = new Cached();
  await cached.start();
  for (const [what, name = '', base64 = ''] of recorded)
    if (what === 'file') await cached.put(name, new Uint8Array(Buffer.from(base64, 'base64')));
  expect(isMessageBlock(await cached.bytesOf('catalog'))).toBe(true);
  expect(await cached.reread()).toEqual(['telegraf', 'other', 'oss']);
  cached.catalog = await cached.world.complete(cached.cache.read());
  expect(cached.catalog.index).toBe(48);
  cached.create('later');
  expect(await cached.reread()).toEqual(['telegraf', 'other', 'oss', 'later']);
  expect(isMessageBlock(await cached.bytesOf('catalog'))).toBe(false);
  expect(cached.warned).toEqual([]);
});

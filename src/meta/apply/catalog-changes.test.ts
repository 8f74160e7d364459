import { expect, test } from 'vitest';
import { encodeLogged } from '../codec/command-codec.ts';
import type { Command } from '../command/command.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { applyCommand } from './apply.ts';
import { applyStep, countsOf, newsOfWhole, type CatalogChange } from './catalog-changes.ts';

/** What the metas have done, and how it reaches copies. */
class Metas {
  catalog: Catalog = emptyCatalog;
  readonly changes: CatalogChange[] = [];

  constructor() {
    this.do({
      kind: 'create-data-node',
      httpAddress: 'h:1',
      tcpAddress: 't:1',
      dataNodesMax: 9,
    });
    for (const name of ['d', 'e']) {
      this.do({ kind: 'create-database', name, policy: { name: 'rp' } });
      this.do({ kind: 'create-retention-policy', database: name, policy: { name: 'other' }, isDefault: false }); // prettier-ignore
      for (const retentionPolicy of ['rp', 'other']) this.do({ kind: 'create-shard-groups', database: name, retentionPolicy, timesNs: [0n] }); // prettier-ignore
    }
  }

  do(command: Command): void {
    const index = this.catalog.index + 1;
    const logged = { id: `${index}`, command };
    this.catalog = applyCommand(this.catalog, index, logged).catalog;
    this.changes.push({ index, command: encodeLogged(logged) });
  }
}

const idsOf = ({ databases }: Catalog) => Array.from(databases.shards(), ({ shard }) => shard.id);

test('catalog changes: a step names the shards that it has dropped, and no others', () => {
  const drops: readonly (readonly [Command, readonly number[]])[] = [
    [{ kind: 'drop-retention-policy', database: 'd', name: 'other' }, [2]],
    [{ kind: 'drop-database', name: 'e' }, [3, 4]],
    [{ kind: 'drop-shard', shardId: 1, nowNs: 5n }, [1]],
  ];
  for (const [command, dropped] of drops) {
    const metas = new Metas();
    const before = metas.catalog;
    expect(idsOf(before)).toEqual([1, 2, 3, 4]);
    metas.do(command);
    const step = { fromIndex: before.index, toIndex: before.index + 1, changes: metas.changes, counts: countsOf(metas.catalog) }; // prettier-ignore
    const news = applyStep(before, step);
    expect([command.kind, news.droppedShardIds]).toEqual([command.kind, dropped]);
    expect(news.after).toEqual({ ...metas.catalog, answered: before.answered });
    expect(newsOfWhole(before, metas.catalog).droppedShardIds).toEqual(dropped);
  }
});

test('catalog changes: a step that is there already changes nothing, and none leads back', () => {
  const metas = new Metas();
  const { catalog, changes } = metas;
  for (const toIndex of [catalog.index, catalog.index - 1]) {
    const { before, after } = applyStep(catalog, {
      fromIndex: 0,
      toIndex,
      changes,
    });
    expect([before, after]).toEqual([catalog, catalog]);
  }
});

test('catalog changes: a copy that went another way asks for the whole', () => {
  const metas = new Metas();
  const { index } = metas.catalog;
  const step = { fromIndex: index, toIndex: index + 1, changes: [], counts: { ...countsOf(metas.catalog), shardCount: 5 } }; // prettier-ignore
  expect(() => applyStep(metas.catalog, step)).toThrow(`catalog at ${index + 1}: shardCount is 4, not 5`); // prettier-ignore
  expect(() => applyStep(metas.catalog, { ...step, fromIndex: index + 1 })).toThrow(`catalog changes from ${index + 1} on, after ${index}`); // prettier-ignore
  const again = { index: index + 1, command: encodeLogged({ id: 'x', command: { kind: 'drop-role', name: 'none' } }) }; // prettier-ignore
  expect(() => applyStep(metas.catalog, { ...step, changes: [again] })).toThrow(`catalog change ${index + 1} does not fit: role not found`); // prettier-ignore
});

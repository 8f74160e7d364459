/** A cluster as backups and restores see it: its catalog, and of each shard on each node the files. */
import { DbError } from '../../src/base/errors.ts';
import { dayNs } from '../../src/base/units.ts';
import type { Clock } from '../../src/env/clock.ts';
import { applyCommand } from '../../src/meta/apply/apply.ts';
import { newIds, shardIdsOf } from '../../src/meta/apply/apply-restore.ts';
import { emptyCatalog, type Catalog } from '../../src/meta/model/catalog.ts';
import type { ShardPlace } from '../../src/meta/model/databases.ts';
import type { Command } from '../../src/meta/command/command.ts';
import type { RestoreTarget, ShardInstall } from '../../src/backup/restore-target.ts';
import { nothingSaid, type ShardCopy, type Survey } from '../../src/backup/shard-plan.ts';
import type { BackupSource, ShardSnapshot } from '../../src/backup/take-backup.ts';

type Files = Record<string, string>;

export class BackupCluster implements BackupSource, RestoreTarget {
  facts: Catalog = emptyCatalog;
  readonly held = new Map<string, Map<number, Files>>();
  /** Of which a file is damaged: node and shard. */
  readonly damaged = new Set<string>();
  /** Which lacks something: node and shard. */
  readonly behind = new Set<string>();
  readonly down = new Set<string>();
  /** Shards of which the nodes say nothing before they are asked for them. */
  readonly unsaid = new Set<number>();
  readonly moved: string[] = [];
  modifiedNs: Readonly<Record<string, bigint>> = { 'n1:1': 2n };
  readonly log: string[] = [];
  timeMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  #index = 0;

  constructor(nodes: readonly string[], clusterId = 9n) {
    this.do({ kind: 'found-cluster', clusterId });
    for (const tcpAddress of nodes) {
      this.do({ kind: 'create-data-node', httpAddress: 'h:1', tcpAddress, dataNodesMax: 9 });
      this.held.set(tcpAddress, new Map());
    }
  }

  do(command: Command): number {
    const logged = { id: `${++this.#index}`, command };
    const { catalog, answer } = applyCommand(this.facts, this.#index, logged);
    this.facts = catalog;
    if (!answer.ok) throw new DbError('unavailable', answer.text);
    return answer.value?.firstShardId ?? 0;
  }

  /** To all owners, as a write is. */
  write(shardId: number, files: Files): void {
    for (const owner of this.facts.databases.shard(shardId)?.shard.owners ?? []) {
      const node = this.facts.dataNodes.find(({ id }) => id === owner)?.tcpAddress ?? '';
      this.held.get(node)?.set(shardId, { 'shard.json': JSON.stringify(files), ...files });
    }
  }

  readonly clock = {
    wallNs: () => BigInt(this.timeMs) * 1_000_000n,
    monotonicMs: () => this.timeMs,
    sleep: (ms) => {
      this.timeMs += ms;
      return Promise.resolve();
    },
  } as Clock;

  catalog(): Promise<Catalog> {
    return Promise.resolve(this.facts);
  }

  survey(): Promise<Survey> {
    const all = new Map<number, ShardCopy[]>();
    for (const [node, shards] of this.held)
      for (const id of shards.keys()) {
        const modifiedNs = this.modifiedNs[node] ?? 1n;
        const copy = {
          node,
          sizeBytes: 10,
          isHot: false,
          modifiedNs,
          isBehind: this.behind.has(`${node} ${id}`),
        };
        all.set(id, [...(all.get(id) ?? []), copy]);
      }
    for (const id of this.unsaid) all.delete(id);
    for (const said of this.behind) {
      const [node = '', id] = said.split(' ');
      const copies = all.get(Number(id)) ?? [];
      if (node !== '' && !copies.some((copy) => copy.node === node)) all.set(Number(id), [...copies, { node, ...nothingSaid, isBehind: true }]); // prettier-ignore
    }
    return Promise.resolve(all);
  }

  snapshot(
    node: string,
    shardId: number,
    { asIs }: { readonly asIs: boolean } = { asIs: false },
  ): Promise<ShardSnapshot | undefined> {
    if (this.down.has(node)) throw new DbError('unavailable', `${node} is down`);
    const files = this.held.get(node)?.get(shardId);
    if (files === undefined) return Promise.resolve(undefined);
    const named = Object.entries(files);
    const moved = this.moved;
    const isDamaged = this.damaged.has(`${node} ${shardId}`);
    return Promise.resolve({
      files: named.map(([name, text]) => ({ name, sizeBytes: text.length })),
      modifiedNs: 5n,
      async *read(name) {
        if (name !== 'shard.json') moved.push(`${node} ${shardId} ${name}`);
        if (isDamaged && !asIs && name.endsWith('.tsm')) throw new DbError('corrupt', `shard ${shardId} is damaged: ${name}: the block at 5 is damaged`); // prettier-ignore
        yield Promise.resolve(Buffer.from(files[name] ?? ''));
      },
      release: () => Promise.resolve(),
    } satisfies ShardSnapshot);
  }

  restore(content: Parameters<RestoreTarget['restore']>[0]): ReturnType<RestoreTarget['restore']> {
    return Promise.resolve().then(() => {
      const firstId = this.do({ kind: 'restore-databases', ...content });
      return newIds(shardIdsOf(content.databases), firstId - 1);
    });
  }

  finish(shardId: number): Promise<void> {
    this.do({ kind: 'finish-restore', shardIds: [shardId] });
    return Promise.resolve();
  }

  overwrite(content: Parameters<RestoreTarget['overwrite']>[0]): Promise<readonly string[]> {
    return Promise.resolve().then(() => {
      this.do({ kind: 'overwrite-databases', ...content });
      return [];
    });
  }

  install(node: string, { shard }: ShardPlace): Promise<ShardInstall> {
    const files: Files = {};
    let current = '';
    const done = Promise.resolve();
    return Promise.resolve({
      begin: ({ name }) => {
        files[(current = name)] = '';
        return done;
      },
      write: (piece) => {
        files[current] = `${files[current] ?? ''}${Buffer.from(piece).toString('latin1')}`;
        return done;
      },
      commit: () => {
        this.held.get(node)?.set(shard.id, files);
        return done;
      },
      abort: () => {
        this.log.push(`${node} aborted ${shard.id}`);
        return done;
      },
    });
  }
}

/** One of `_internal` and two of a database, on both of two nodes where two own it. */
export function twoShards(): BackupCluster {
  const cluster = new BackupCluster(['n1:1', 'n2:1']);
  cluster.do({ kind: 'create-database', name: '_internal' });
  cluster.do({ kind: 'create-shard-groups', database: '_internal', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  const policy = { name: 'p', durationNs: 0n, shardDurationNs: dayNs, replication: 2 };
  cluster.do({ kind: 'create-database', name: 'tel', policy });
  cluster.do({ kind: 'create-shard-groups', database: 'tel', retentionPolicy: 'p', timesNs: [0n, dayNs, 2n * dayNs] }); // prettier-ignore
  cluster.do({ kind: 'create-continuous-query', database: 'tel', name: 'c', text: 'CREATE CONTINUOUS QUERY c ON tel BEGIN SELECT mean(v) INTO tel.p.m FROM tel.p.cpu GROUP BY time(1h) END' }); // prettier-ignore
  cluster.do({ kind: 'create-subscription', database: 'tel', retentionPolicy: 'p', name: 's', mode: 'ALL', destinations: ['udp://h:1'] }); // prettier-ignore
  cluster.do({ kind: 'create-user', name: 'bob', hash: 'x', isAdmin: true });
  cluster.write(1, { '000000001-000000001.tsm': 'own' });
  cluster.write(2, { '000000001-000000001.tsm': 'two', '000000001.index': 'i' });
  cluster.write(3, { '000000001-000000001.tsm': 'three', '000000001-000000001.tombstone': 't' });
  return cluster;
}

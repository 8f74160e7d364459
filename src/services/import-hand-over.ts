/**
 * Hands the cluster what an import has put on this node's disk (spec F87): databases, policies, groups, users, all in one
 * command, as soon as the node is of a cluster, and again until that is accepted.
 *
 * Invariant: the record on disk is `done` only after the command is committed; a crash in between sends it again, which
 * changes nothing.
 */
import { Tasks } from '../base/async/tasks.ts';
import { Mutex } from '../base/async/mutex.ts';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import type { Timer } from '../env/clock.ts';
import type { Disk } from '../env/disk.ts';
import {
  importRecordPath,
  readImportRecord,
  writeImportRecord,
  type ImportRecord,
} from '../meta/client/import-record.ts';
import type { MetaAccess } from '../meta/client/meta-access.ts';
import type { ServicePorts } from './retention.ts';

export interface HandOverPorts extends Omit<ServicePorts, 'meta'> {
  readonly disk: Disk;
  readonly meta: ServicePorts['meta'] & {
    readonly nodeId: number;
    /** A node that erases what it has hands over nothing any more. */
    readonly isLeaving?: boolean;
  };
}

const retryMs = 10_000;

export class ImportHandOver {
  readonly #ports: HandOverPorts;
  readonly #folder: string;
  readonly #tasks: Tasks;
  readonly #mutex = new Mutex();
  #record: ImportRecord | undefined;
  #timer: Timer | undefined;

  private constructor(ports: HandOverPorts, folder: string, record: ImportRecord | undefined) {
    this.#ports = ports;
    this.#folder = folder;
    this.#record = record;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the import failed', { name, error: errorText(error) });
    });
    if (this.#isPending)
      this.#timer = ports.clock.every(retryMs, () => {
        this.#tasks.spawn('hand over', this.handOver());
      });
  }

  /** `folder` is `[meta] dir`. */
  static async open(ports: HandOverPorts, folder: string): Promise<ImportHandOver> {
    const record = await readImportRecord(ports.disk, folder);
    const service = new ImportHandOver(ports, folder, record);
    if (service.#isPending) service.#tasks.spawn('hand over', service.handOver());
    return service;
  }

  get #isPending(): boolean {
    return this.#record?.state === 'ready';
  }

  /**
   * The metas for who makes shards unasked, as the monitor does: as if the node were of no cluster yet while there is something
   * to hand over. A shard that is made before has the id of one that is imported.
   */
  held(meta: MetaAccess): Pick<MetaAccess, 'catalog' | 'execute' | 'nodeId'> {
    const nodeId = (): number => (this.#isPending ? 0 : meta.nodeId);
    return {
      get catalog() {
        return meta.catalog;
      },
      get nodeId() {
        return nodeId();
      },
      execute: (command) => meta.execute(command),
    };
  }

  /** Does what there is to do; what fails is told in the log, and tried again. */
  handOver(): Promise<void> {
    return this.#mutex.run(async () => {
      const { disk, log, meta } = this.#ports;
      const record = this.#record;
      if (record?.state !== 'ready' || record.content === undefined) return;
      if (meta.nodeId === 0 || meta.isLeaving === true) return;
      try {
        const { nodeId } = meta;
        await meta.execute({ kind: 'import-databases', nodeId, ...record.content });
        const done = { ...record, state: 'done', content: undefined } as const;
        await writeImportRecord(disk, this.#folder, done);
        this.#record = done;
        this.#timer?.cancel();
        const databases = record.content.databases.map(({ name }) => name).join(', ');
        log.info('The cluster has the imported databases', { source: record.source, databases });
      } catch (error) {
        if (!isDbError(error)) throw error;
        const fields = { source: record.source, error: errorText(error) };
        log.error('The cluster did not take the imported databases', fields);
      }
    });
  }

  /** Of a node that has left its cluster, and erased what it had: that another gets nothing of which there are no shards. */
  async forget(): Promise<void> {
    await this.#mutex.run(async () => {
      if (this.#record === undefined) return;
      await this.#ports.disk.remove(importRecordPath(this.#folder));
      await this.#ports.disk.syncDir(this.#folder);
      this.#record = undefined;
      this.#timer?.cancel();
    });
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#tasks.settled();
  }
}

/** Throws `conflict` when an import was begun and has not ended: to be asked before anything of it is opened. */
export async function refuseUnfinishedImport(disk: Disk, folder: string): Promise<void> {
  const record = await readImportRecord(disk, folder);
  if (record?.state !== 'begun') return;
  const text = `the import of ${record.source} has not ended: run it again, or remove ${importRecordPath(folder)} and what it has put into the data folder`;
  throw new DbError('conflict', text);
}

/**
 * Hands the cluster what an import has put on this node's disk (spec F87): databases, policies, groups, users, all in one
 * command, as soon as the node is of a cluster, and again until that is accepted.
 *
 * Invariants:
 * - The record on disk is `done` only after the command is committed; a crash in between sends it again, which changes nothing.
 * - It says that the command is sent before it is, and that it was refused once it was: what was taken and dropped since, while
 *   nobody here had heard that it was taken, is not taken for refused.
 * - Users that the cluster has stay as they are there, as in a restore.
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
  type ImportContent,
  type ImportRecord,
} from '../meta/client/import-record.ts';
import type { MetaAccess } from '../meta/client/meta-access.ts';
import type { Catalog } from '../meta/model/catalog.ts';
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
/** What the metas say of an import that they do not take, now or later. */
const refusals = ['conflict', 'already_exists', 'invalid_argument'] as const;

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
        this.#tasks.spawn('hand over', this.#handOverUnasked());
      });
  }

  /** `folder` is `[meta] dir`. */
  static async open(ports: HandOverPorts, folder: string): Promise<ImportHandOver> {
    const record = await readImportRecord(ports.disk, folder);
    const service = new ImportHandOver(ports, folder, record);
    if (service.#isPending) service.#tasks.spawn('hand over', service.#handOverUnasked());
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

  /** Does what there is to do; what fails is told in the log, and tried again. Resolves with what the cluster refuses it for. */
  handOver(): Promise<DbError | undefined> {
    return this.#mutex.run(async () => {
      const { log, meta } = this.#ports;
      const record = this.#record;
      if (record?.state !== 'ready' || record.content === undefined) return undefined;
      if (meta.nodeId === 0 || meta.isLeaving === true) return undefined;
      try {
        await this.#send(record, record.content);
        await this.#write({ ...record, state: 'done', content: undefined, isSent: undefined });
        this.#timer?.cancel();
        const databases = record.content.databases.map(({ name }) => name).join(', ');
        log.info('The cluster has the imported databases', { source: record.source, databases });
        return undefined;
      } catch (error) {
        if (!isDbError(error)) throw error;
        const hint = isRefusal(error) ? ': stop the node, and import again (-id-offset), or drop what is in its way' : ''; // prettier-ignore
        const fields = { source: record.source, error: `${errorText(error)}${hint}` };
        log.error('The cluster did not take the imported databases', fields);
        return isRefusal(error) ? error : undefined;
      }
    });
  }

  async #handOverUnasked(): Promise<void> {
    await this.handOver();
  }

  /** Throws what the metas say. */
  async #send(record: ImportRecord, content: ImportContent): Promise<void> {
    const { log, meta } = this.#ports;
    const { nodeId } = meta;
    if (record.isSent !== true) await this.#write({ ...record, isSent: true });
    const execute = async (): Promise<void> => {
      const users = content.users.filter((user) => !isUserOf(meta.catalog, user.name));
      await meta.execute({ kind: 'import-databases', nodeId, ...content, users });
      const kept = content.users.filter((user) => !users.includes(user)).map(({ name }) => name);
      if (kept.length > 0) log.warn('Users of the cluster stay as they are', { users: kept.join(', ') }); // prettier-ignore
    };
    try {
      await execute().catch((error: unknown) => {
        // A node that has just joined knew of no users, and knows them by this answer.
        if (!isDbError(error, 'already_exists')) throw error;
        return execute();
      });
    } catch (error) {
      if (!isDbError(error) || !isRefusal(error)) throw error;
      if (isTaken(meta.catalog, content, { nodeId, wasSent: record.isSent === true })) return;
      await this.#write({ ...record, isSent: undefined });
      throw error;
    }
  }

  async #write(record: ImportRecord): Promise<void> {
    await writeImportRecord(this.#ports.disk, this.#folder, record);
    this.#record = record;
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

function isRefusal({ code }: DbError): boolean {
  return (refusals as readonly string[]).includes(code);
}

function isUserOf({ users = [] }: Catalog, wanted: string): boolean {
  return users.some(({ name }) => name === wanted);
}

/**
 * Whether the metas that refuse an import have taken it before. It is taken as a whole, so one shard of it is enough; where its ids were
 * given, and none of them is there, all of it was dropped since, or outlived.
 */
function isTaken(
  { databases: present, maxShardId }: Catalog,
  { databases }: ImportContent,
  { nodeId, wasSent }: { readonly nodeId: number; readonly wasSent: boolean },
): boolean {
  let [shardCount, isAnyThere] = [0, false];
  for (const { name, retentionPolicies } of databases)
    for (const policy of retentionPolicies)
      for (const { id: groupId, shards } of policy.shardGroups)
        for (const { id } of shards) {
          const place = present.shard(id);
          const isOurs = place?.database === name && place.retentionPolicy === policy.name;
          if (isOurs && place.group.id === groupId && place.shard.owners.includes(nodeId)) return true; // prettier-ignore
          isAnyThere ||= place !== undefined || id > maxShardId;
          shardCount++;
        }
  return wasSent && shardCount > 0 && !isAnyThere;
}

/** Throws `conflict` when an import was begun and has not ended: to be asked before anything of it is opened. */
export async function refuseUnfinishedImport(disk: Disk, folder: string): Promise<void> {
  const record = await readImportRecord(disk, folder);
  if (record?.state !== 'begun') return;
  const text = `the import of ${record.source} has not ended: run it again, or remove ${importRecordPath(folder)} and what it has put into the data folder`;
  throw new DbError('conflict', text);
}

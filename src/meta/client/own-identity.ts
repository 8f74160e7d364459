/**
 * Which node of which cluster this one is, in memory as on its disk.
 *
 * Invariant (decision 166): a node that may have erased some of what it has is that node to nobody any more, now and after
 * every restart, until it has erased all of it and forgets who it was. It would answer for shards that it has no more.
 */
import type { Disk } from '../../env/disk.ts';
import type { DataIdentity } from './data-methods.ts';
import { readIdentity, removeIdentity, writeIdentity, type KeptIdentity } from './identity-file.ts';

const nobody: KeptIdentity = { nodeId: 0, clusterId: 0n, metaAddresses: [] };

export class OwnIdentity {
  readonly #disk: Disk;
  readonly #folder: string;
  #current: KeptIdentity;

  private constructor(disk: Disk, folder: string, current: KeptIdentity) {
    this.#disk = disk;
    this.#folder = folder;
    this.#current = current;
  }

  /** `folder` is `[meta] dir`. Throws `corrupt`, naming the file. */
  static async read(disk: Disk, folder: string): Promise<OwnIdentity> {
    return new OwnIdentity(disk, folder, (await readIdentity(disk, folder)) ?? nobody);
  }

  /** Another object whenever the node becomes one of a cluster, begins to leave it or has left it: whoever waited sees that by it. */
  get current(): DataIdentity {
    return this.#current;
  }

  get isJoined(): boolean {
    return this.#current.nodeId !== 0;
  }

  /** Whether it erases, or was ended in the midst of it. */
  get isLeaving(): boolean {
    return this.#current.isLeaving === true;
  }

  /** Durable once it resolves. */
  async become(identity: DataIdentity): Promise<void> {
    await writeIdentity(this.#disk, this.#folder, identity);
    this.#current = identity;
  }

  /**
   * Durable before anything is erased. Throws what the disk says: the node is as before then, or, where nobody knows what a start
   * would find, it is leaving and may be asked again.
   */
  async beginLeaving(): Promise<void> {
    if (this.isLeaving) return;
    const before = this.#current;
    const leaving = { ...before, isLeaving: true };
    try {
      await writeIdentity(this.#disk, this.#folder, leaving);
    } catch (error) {
      try {
        await writeIdentity(this.#disk, this.#folder, before);
      } catch {
        this.#current = leaving;
      }
      throw error;
    }
    this.#current = leaving;
  }

  /** Of no cluster any more, durably. */
  async forget(): Promise<void> {
    await removeIdentity(this.#disk, this.#folder);
    this.#current = nobody;
  }
}

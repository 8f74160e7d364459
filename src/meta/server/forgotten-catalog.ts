/**
 * Meta nodes that have been put back to what they had before, as machines are from a snapshot of their disks, or that have lost the end of
 * their log: data nodes have been told of more (decision 151). What is decided then has indexes, and makes shards with ids, that were given already.
 *
 * Invariant: nothing is decided for a data node that shows that it was told of a later catalog than all that is committed, nor for anybody
 * from then on.
 */
import { DbError } from '../../base/errors.ts';
import type { Log } from '../../env/log.ts';
import type { Catalog } from '../model/catalog.ts';

const text =
  'the meta nodes know less than they have told data nodes: their disks were put back; influxd-meta recover makes the cluster anew of what data nodes know';

export interface ForgottenCatalogPorts {
  readonly log: Log;
  /** Of this node. */
  readonly catalog: () => Pick<Catalog, 'index'>;
  /** Whether that has all that was committed before; false where nobody says so. */
  readonly settle: () => Promise<boolean>;
}

export class ForgottenCatalog {
  readonly #ports: ForgottenCatalogPorts;
  #toldIndex = 0;

  constructor(ports: ForgottenCatalogPorts) {
    this.#ports = ports;
  }

  /** Throws `catalog_forgotten` for whoever has heard of more than there is. */
  async hear(index: number): Promise<void> {
    const { catalog, settle, log } = this.#ports;
    if (index <= catalog().index || !(await settle()) || index <= catalog().index) return;
    if (index > this.#toldIndex) log.error(text, { told: index, known: catalog().index });
    this.#toldIndex = Math.max(this.#toldIndex, index);
    this.refuse();
  }

  /** Throws `catalog_forgotten` while that is so. */
  refuse(): void {
    if (this.#ports.catalog().index < this.#toldIndex) throw new DbError('catalog_forgotten', text);
  }
}

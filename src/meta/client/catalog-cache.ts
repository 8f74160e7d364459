/**
 * The catalog on a data node's disk: `catalog`, whole, and `catalog.changes`, the steps since.
 *
 * `catalog.changes` is records of: payload length u32 LE, CRC-32 of the payload u32 LE, payload (a varve.meta.v1.CatalogStep).
 * What a release before has written in its form is read, and written anew with the next change.
 *
 * Invariants:
 * - It is a cache: what cannot be read is named in the log and fetched anew, and never keeps a node from starting.
 * - A change costs its own bytes. The changes are at most as large as the whole (1 MiB at least) and one step more; then
 *   the whole is written, and they start anew.
 * - One write at a time; what is read back is a catalog that once was, if not the latest.
 */
import { crc32 } from 'node:zlib';
import { errorText, isDbError } from '../../base/errors.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import { decodeMessage, isMessageBlock } from '../../rpc/message.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { applyStep, type CatalogStep } from '../apply/catalog-changes.ts';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';
import { stepMessage } from './meta-methods.ts';

export interface CatalogCachePorts {
  readonly disk: Disk;
  readonly log: Log;
}

const headBytes = 8;
const changesBytesLeast = 1 << 20;

export class CatalogCache {
  readonly #ports: CatalogCachePorts;
  readonly #wholePath: string;
  readonly #changesPath: string;
  #catalog: Catalog = emptyCatalog;
  #pending: Uint8Array[] = [];
  #isWholeDue = true;
  #wholeBytes = 0;
  #changesBytes = 0;
  #file: DiskFile | undefined;
  #saving: Promise<void> | undefined;

  constructor(ports: CatalogCachePorts, folder: string) {
    this.#ports = ports;
    this.#wholePath = `${folder}/catalog`;
    this.#changesPath = `${folder}/catalog.changes`;
  }

  /** What was kept; the empty catalog when there is nothing that can be read. */
  async read(): Promise<Catalog> {
    const whole = await this.#readFile(this.#wholePath);
    if (whole === undefined) return emptyCatalog;
    try {
      this.#catalog = decodeCatalog(whole);
    } catch (error) {
      this.#warn(this.#wholePath, error);
      return emptyCatalog;
    }
    this.#wholeBytes = whole.length;
    const changes = (await this.#readFile(this.#changesPath)) ?? new Uint8Array();
    this.#replay(changes);
    this.#changesBytes = changes.length;
    this.#isWholeDue ||= isMessageBlock(whole);
    return this.#catalog;
  }

  /** The catalog was changed by a step. */
  add(step: CatalogStep, catalog: Catalog): void {
    this.#catalog = catalog;
    this.#pending.push(recordOf(step));
    this.#start();
  }

  /** The catalog was fetched whole. */
  replace(catalog: Catalog): void {
    this.#catalog = catalog;
    this.#isWholeDue = true;
    this.#start();
  }

  /** The node has left its cluster. */
  async forget(): Promise<void> {
    await this.#saving;
    await this.#closeFile();
    this.#pending = [];
    this.#isWholeDue = true;
    for (const path of [this.#wholePath, this.#changesPath]) await this.#ports.disk.remove(path);
  }

  async close(): Promise<void> {
    await this.#saving;
    await this.#closeFile();
  }

  async #readFile(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#ports.disk.readFile(path);
    } catch (error) {
      if (!isDbError(error, 'not_found')) this.#warn(path, error);
      return undefined;
    }
  }

  /** Stops at what a crash has torn, or a disk has damaged; then the whole is written before anything is added. */
  #replay(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    try {
      while (at + headBytes <= bytes.length) {
        const end = at + headBytes + view.getUint32(at, true);
        const payload = bytes.subarray(at + headBytes, end);
        if (end > bytes.length || crc32(payload) !== view.getUint32(at + 4, true)) break;
        this.#catalog = applyStep(this.#catalog, stepIn(payload)).after;
        at = end;
      }
      this.#isWholeDue = at < bytes.length;
    } catch (error) {
      this.#warn(this.#changesPath, error);
    }
  }

  #start(): void {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
  }

  async #save(): Promise<void> {
    try {
      while (this.#pending.length > 0 || this.#isWholeDue) {
        const records = this.#pending;
        this.#pending = [];
        const bytes = records.reduce((sum, record) => sum + record.length, this.#changesBytes);
        const isFull = bytes > Math.max(changesBytesLeast, this.#wholeBytes);
        if (this.#isWholeDue || isFull) await this.#writeWhole();
        else await this.#append(records);
      }
    } catch (error) {
      // What of it got to the disk is not known.
      this.#isWholeDue = true;
      this.#pending = [];
      this.#warn(this.#wholePath, error);
      await this.#closeFile();
    }
  }

  async #writeWhole(): Promise<void> {
    const { disk } = this.#ports;
    this.#isWholeDue = false;
    const bytes = encodeCatalog(this.#catalog);
    await this.#closeFile();
    await disk.replaceFile(this.#wholePath, bytes);
    // A crash before this leaves steps that lead to where the whole is already: they are passed over.
    this.#file = await disk.open(this.#changesPath, 'create');
    this.#wholeBytes = bytes.length;
    this.#changesBytes = 0;
  }

  async #append(records: readonly Uint8Array[]): Promise<void> {
    this.#file ??= await this.#ports.disk.open(this.#changesPath, 'append');
    await this.#file.append(records);
    await this.#file.sync();
    this.#changesBytes += records.reduce((sum, record) => sum + record.length, 0);
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  #warn(path: string, error: unknown): void {
    const fields = { path, error: errorText(error) };
    this.#ports.log.warn('The cached catalog could not be read or written', fields);
  }
}

function stepIn(payload: Uint8Array): CatalogStep {
  if (isMessageBlock(payload)) return decodeMessage(payload) as CatalogStep;
  return stepMessage.decode(payload);
}

function recordOf(step: CatalogStep): Uint8Array {
  const payload = stepMessage.encode(step);
  const record = new Uint8Array(headBytes + payload.length);
  const view = new DataView(record.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, crc32(payload), true);
  record.set(payload, headBytes);
  return record;
}

/**
 * Bytes of segments that are no record go to `<hh>/damaged/`, so that somebody can look at them, and what is behind them
 * is delivered. A torn end is what a crash leaves of a write that nobody was told of: it is not kept.
 */
import { MiB } from '../base/units.ts';
import { errorText, isDbError } from '../base/errors.ts';
import type { Disk } from '../env/disk.ts';
import type { Log } from '../env/log.ts';
import { decodeHintHeader, hintHeaderBytes } from './hint-record.ts';
import type { HintDamage } from './read-hints.ts';

/** All files together; what comes beyond is told of and not kept. */
const keptBytesMax = 64 * MiB;

export class HintQuarantine {
  readonly #disk: Disk;
  readonly #log: Log;
  readonly #folder: string;
  #keptBytes: number | undefined;

  constructor({ disk, log }: { readonly disk: Disk; readonly log: Log }, folder: string) {
    this.#disk = disk;
    this.#log = log;
    this.#folder = `${folder}/damaged`;
  }

  /** Whether something that was queued is lost. Never throws: hints behind the damage must not wait for a place to put it. */
  async take(path: string, damage: HintDamage, bytes: Uint8Array): Promise<boolean> {
    const { offset, lengthBytes, isTail, isUnreadable = false } = damage;
    const fields = { path, offset, bytes: lengthBytes };
    if (isTail && !isUnreadable && isTorn(bytes)) {
      this.#log.info('The end of a hinted handoff segment is torn', fields);
      return false;
    }
    if (isUnreadable)
      this.#log.error('Hinted writes are lost: the disk does not read them', fields);
    else this.#log.error('Damaged bytes in hinted handoff are set aside', fields);
    try {
      await this.#keep(path, offset, bytes);
    } catch (error) {
      this.#log.warn('Damaged hints could not be kept', { ...fields, error: errorText(error) });
    }
    return true;
  }

  /** Whether a file can be written, and is durable, where damaged bytes go: of a disk that is away none can. */
  async takesFiles(): Promise<boolean> {
    const path = `${this.#folder}/probe`;
    try {
      await this.#disk.makeDir(this.#folder);
      await this.#disk.replaceFile(path, new Uint8Array(1));
      await this.#disk.remove(path);
      return true;
    } catch (error) {
      if (isDbError(error)) return false;
      throw error;
    }
  }

  async #keep(path: string, offset: number, bytes: Uint8Array): Promise<void> {
    this.#keptBytes ??= await this.#size();
    if (this.#keptBytes + bytes.length > keptBytesMax) return;
    const [segment = '', shard = '', node = ''] = path.split('/').reverse();
    const name = `${node}-${shard}-${segment.replace('.hint', '')}-${offset}.bad`;
    await this.#disk.makeDir(this.#folder);
    await this.#disk.replaceFile(`${this.#folder}/${name}`, bytes);
    this.#keptBytes += bytes.length;
  }

  async #size(): Promise<number> {
    let bytes = 0;
    for (const { name } of await this.#disk.list(this.#folder))
      bytes += (await this.#disk.size(`${this.#folder}/${name}`)) ?? 0;
    return bytes;
  }
}

/** Zeros, a part of a header, or a header whose record is cut off: nothing that was once whole. */
function isTorn(bytes: Uint8Array): boolean {
  return (
    bytes.length < hintHeaderBytes ||
    decodeHintHeader(bytes, 0) !== undefined ||
    bytes.every((byte) => byte === 0)
  );
}

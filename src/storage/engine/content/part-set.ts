/** Parts of a shard (digest-grid.ts): for each part of series the parts of time. */
import { allTimes, seriesPartOf, seriesParts } from '../../../models/digest-grid.ts';

const partSetBytes = seriesParts * 2;

export class PartSet {
  readonly #masks = new Uint16Array(seriesParts);

  /** Of bytes() of another one; undefined where they are none. */
  static of(bytes: Uint8Array): PartSet | undefined {
    if (bytes.length !== partSetBytes) return undefined;
    const set = new PartSet();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let part = 0; part < seriesParts; part++)
      set.#masks[part] = view.getUint16(part * 2, true);
    return set;
  }

  /** A bit for each part of time. */
  maskOf(seriesPart: number): number {
    return this.#masks[seriesPart] ?? 0;
  }

  add(seriesPart: number, timeMask: number): void {
    this.#masks[seriesPart] = this.maskOf(seriesPart) | timeMask;
  }

  /** `key`: of a series, as an index and files have it. */
  addSeries(key: Uint8Array, timeMask: number): void {
    this.add(seriesPartOf(key), timeMask);
  }

  addAll(other: PartSet): void {
    for (let part = 0; part < seriesParts; part++) this.add(part, other.maskOf(part));
  }

  get isEmpty(): boolean {
    return this.#masks.every((mask) => mask === 0);
  }

  /** Nothing can be added. */
  get isFull(): boolean {
    return this.#masks.every((mask) => mask === allTimes);
  }

  get bytes(): Uint8Array {
    const bytes = new Uint8Array(partSetBytes);
    const view = new DataView(bytes.buffer);
    this.#masks.forEach((mask, part) => {
      view.setUint16(part * 2, mask, true);
    });
    return bytes;
  }
}

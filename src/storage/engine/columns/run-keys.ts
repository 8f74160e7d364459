/** Keys of files of many series and some fields, one behind the other: a slot for each field of a series. */
import type { ViewedIndex } from '../../index/index-view.ts';
import { fieldEnding } from '../../tsm/tsm-format.ts';

/** They stay in a processor's cache while each file is asked for them. */
const keysBytes = 65_536;
/** Keys with it may be written with escapes in files. */
const hash = 35;

export class RunKeys {
  readonly bytes = new Uint8Array(keysBytes);
  /** By slot. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  #fields: readonly string[] = [];
  #endings: readonly Uint8Array[] = [];

  constructor(slotsMax: number) {
    this.starts = new Uint32Array(slotsMax);
    this.ends = new Uint32Array(slotsMax);
  }

  /** Answers of how many of the series, from the first on, there are the keys: there is no room for the next, or it may have escapes. */
  write(
    index: ViewedIndex,
    seriesIds: Uint32Array,
    { count, fields }: { readonly count: number; readonly fields: readonly string[] },
  ): number {
    if (fields !== this.#fields) {
      this.#fields = fields;
      this.#endings = fields.map(fieldEnding);
    }
    const endings = this.#endings;
    const { bytes } = this;
    let at = 0;
    for (let i = 0; i < count; i++)
      for (let field = 0; field < endings.length; field++) {
        const ending = endings[field] as Uint8Array;
        const keyEnd = index.keyInto(seriesIds[i] ?? 0, bytes, at);
        if (keyEnd < 0 || keyEnd + ending.length > keysBytes || hasHash(bytes, at, keyEnd)) return i; // prettier-ignore
        bytes.set(ending, keyEnd);
        const slot = i * endings.length + field;
        this.starts[slot] = at;
        this.ends[slot] = at = keyEnd + ending.length;
      }
    return count;
  }

  /** Where the keys of series themselves begin and end. */
  ofSeries(count: number): { readonly starts: Uint32Array; readonly ends: Uint32Array } {
    const [ending, ...others] = this.#endings;
    const step = others.length + 1;
    const starts = new Uint32Array(count);
    const ends = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      starts[i] = this.starts[i * step] ?? 0;
      ends[i] = (this.ends[i * step] ?? 0) - (ending?.length ?? 0);
    }
    return { starts, ends };
  }
}

function hasHash(bytes: Uint8Array, from: number, end: number): boolean {
  for (let i = from; i < end; i++) if (bytes[i] === hash) return true;
  return false;
}

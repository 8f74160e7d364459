/**
 * Fragments of plans that are run again (data/select/known-plans.ts) go to the worker as one text, which costs a copy of its
 * bytes where plain data costs a microsecond for each object in it, on both sides. The first time a fragment goes as it is:
 * most are never sent again.
 */
import { Buffer } from 'node:buffer';
import type { Fragment } from '../../query/fragment.ts';
import { decodeMessage, encodeMessage } from '../../rpc/message.ts';

/** Longer ones are sent as they are each time. */
const textLengthMax = 4_096;
/** Past so many all are forgotten. */
const keptMax = 1_024;

/** Of whoever sends: what stands for a fragment. */
export class FragmentTexts {
  /** '' for one that was sent once, and for one that is too long. */
  readonly #texts = new WeakMap<Fragment, string>();
  readonly #long = new WeakSet<Fragment>();

  bodyOf(fragment: Fragment): Fragment | string {
    const text = this.#texts.get(fragment);
    if (text === undefined) this.#texts.set(fragment, '');
    if (text === undefined || this.#long.has(fragment)) return fragment;
    return text === '' ? this.#written(fragment) : text;
  }

  #written(fragment: Fragment): Fragment | string {
    const bytes = encodeMessage(fragment);
    if (bytes.length > textLengthMax) {
      this.#long.add(fragment);
      return fragment;
    }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    this.#texts.set(fragment, text);
    return text;
  }
}

/** Of whoever takes: the fragment of a body, the same object for the same text. */
export class KnownFragments {
  readonly #kept = new Map<string, Fragment>();

  fragmentOf(body: unknown): Fragment {
    if (typeof body !== 'string') return body as Fragment;
    const known = this.#kept.get(body);
    if (known !== undefined) return known;
    const fragment = decodeMessage(Buffer.from(body, 'latin1')) as Fragment;
    if (this.#kept.size >= keptMax) this.#kept.clear();
    this.#kept.set(body, fragment);
    return fragment;
  }
}

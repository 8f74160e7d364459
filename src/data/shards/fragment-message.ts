/**
 * What a coordinator asks of fragments on another node, and what it is answered. A plan that is run again is written once here
 * and read once there: both remember it by what it is.
 */
import { Buffer } from 'node:buffer';
import { MiB } from '../../base/units.ts';
import { bytes, flag, optional, text } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { encodeBytesField, mappedMessage, message } from '../../proto/message.ts';
import { decodeBlocks, decodePlan, encodeBlocks, encodePlan, shardIds } from '../../query/fragment-codec.ts'; // prettier-ignore
import type { Fragment } from '../../query/fragment.ts';
import { streamMethod } from '../../rpc/method.ts';
import { decodeSentBlocks } from '../engine/sent-blocks.ts';
import type { FragmentBlock } from '../engine/shard-access.ts';

const { v1 } = varve.data;

const planBytesMax = 16 * MiB;
const blocksBytesMax = 1_024 * MiB;
/** Past so many fragments those that were asked for longest ago are forgotten. */
const keptMax = 512;
/** Longer plans are read each time. */
const keptBytesMax = 4_096;
/** `is_last` of a reply, field 3. */
const lastMark = Uint8Array.of(3 << 3, 1);
const noMark = new Uint8Array();

/** Of the schemas of a node (served-shards.ts). */
export const schemaMark = text({ lengthMax: 64 });

export interface AskedFragment {
  readonly fragment: Fragment;
  readonly describedAt?: string | undefined;
  /** The asker reads blocks as workers pack them; one of an earlier release does not. */
  readonly takesPacked?: boolean | undefined;
}

/** Blocks, or on their way from a worker the message that they are in. */
export type FragmentReply =
  | { readonly blocks: readonly FragmentBlock[]; readonly isLast: boolean }
  | { readonly packed: Uint8Array; readonly isLast: boolean };

const plansWritten = new WeakMap<Fragment, Uint8Array>();

/** Of a fragment all but its shards. */
function planOf(fragment: Fragment): Uint8Array {
  const known = plansWritten.get(fragment);
  if (known !== undefined) return known;
  const { shardIds: _ids, ...plan } = fragment;
  const written = encodePlan(plan);
  plansWritten.set(fragment, written);
  return written;
}

/** By their bytes; the same object for the same bytes, which then goes to the worker as a text (data/engine/known-fragments.ts). */
class FragmentsRead {
  /** The one asked last stands last. */
  readonly #kept = new Map<string, Fragment>();

  /** Throws what decodePlan() throws. */
  of(ids: readonly number[], plan: Uint8Array): Fragment {
    if (plan.length > keptBytesMax) return { ...decodePlan(plan), shardIds: ids };
    const key = `${ids.join()} ${Buffer.from(plan.buffer, plan.byteOffset, plan.length).toString('latin1')}`; // prettier-ignore
    // What is kept is no view of what came with it.
    const fragment = this.#kept.get(key) ?? { ...decodePlan(plan.slice()), shardIds: ids };
    this.#kept.delete(key);
    this.#kept.set(key, fragment);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptMax) break;
      this.#kept.delete(oldest);
    }
    return fragment;
  }
}

const fragmentsRead = new FragmentsRead();

const replyMessage = message(v1.FragmentReply, {
  blocks: bytes({ lengthBytesMax: blocksBytesMax }),
  packed: bytes({ lengthBytesMax: blocksBytesMax }),
  isLast: flag,
});

export const fragmentMethod = streamMethod('/varve.data.v1.Shards/Fragment', {
  requestBytesMax: planBytesMax,
  request: mappedMessage(
    message(v1.FragmentRequest, {
      shardIds,
      plan: bytes({ lengthBytesMax: planBytesMax }),
      describedAt: optional(schemaMark),
      takesPacked: flag,
    }),
    {
      to: ({ fragment, describedAt, takesPacked = false }: AskedFragment) => ({ shardIds: fragment.shardIds, plan: planOf(fragment), describedAt, takesPacked }), // prettier-ignore
      from: ({ shardIds: ids, plan, describedAt, takesPacked }): AskedFragment => ({ fragment: fragmentsRead.of(ids, plan), describedAt, takesPacked }), // prettier-ignore
    },
  ),
  reply: {
    encode: (reply: FragmentReply) => {
      const mark = reply.isLast ? lastMark : noMark;
      return 'packed' in reply
        ? encodeBytesField(2, reply.packed, mark)
        : encodeBytesField(1, encodeBlocks(reply.blocks), mark);
    },
    decode: (whole: Uint8Array): FragmentReply => {
      const { blocks, packed, isLast } = replyMessage.decode(whole);
      return { blocks: packed.length > 0 ? decodeSentBlocks(packed) : decodeBlocks(blocks), isLast }; // prettier-ignore
    },
  },
});

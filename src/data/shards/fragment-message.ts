/**
 * What a coordinator asks of fragments on another node, and what it is answered. A plan that is run again is written once here
 * and read once there: both remember it by what it is.
 */
import { Buffer } from 'node:buffer';
import { MiB } from '../../base/units.ts';
import { bytes, count, flag, list, optional, text } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { encodeBytesField, mappedMessage, message } from '../../proto/message.ts';
import { decodeBlocks, decodePlan, encodeBlocks, encodePlan, shardIds } from '../../query/fragment-codec.ts'; // prettier-ignore
import type { Fragment } from '../../query/fragment.ts';
import { packAlike } from '../../query/fragment-run.ts';
import { streamMethod } from '../../rpc/method.ts';
import { decodeSentBlocks } from '../engine/sent-blocks.ts';
import type { FragmentBlock } from '../engine/shard-access.ts';

const { v1 } = varve.data;

const planBytesMax = 16 * MiB;
/** Of the plans of fragments that are asked for together. */
const runBytesMax = MiB;
const blocksBytesMax = 1_024 * MiB;
/** Who asks takes far fewer at once (data/select/parts-run.ts). */
const followingMax = 65_536;
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
  /** Answered behind it, over the same shards; an earlier release does not. */
  readonly following?: readonly Fragment[] | undefined;
  readonly describedAt?: string | undefined;
  /** The asker reads blocks as workers pack them; one of an earlier release does not. */
  readonly takesPacked?: boolean | undefined;
}

/** Blocks, or on their way from a worker the message that they are in. */
export type FragmentReply = (
  { readonly blocks: readonly FragmentBlock[] } | { readonly packed: Uint8Array }
) & {
  /** As of a RunBatch; absent where one fragment alone is answered. */
  readonly ends?: readonly number[];
  readonly isLast: boolean;
};

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

const ends = list(count(), { max: followingMax + 1 });
const replyMessage = message(v1.FragmentReply, {
  blocks: bytes({ lengthBytesMax: blocksBytesMax }),
  packed: bytes({ lengthBytesMax: blocksBytesMax }),
  ends,
  isLast: flag,
});
const endMessage = message(v1.FragmentReply, { ends, isLast: flag });

const planBytes = bytes({ lengthBytesMax: planBytesMax });
const followingMessage = message(v1.FragmentRequest.FollowingFragment, {
  measurement: text(),
  plan: optional(planBytes),
});
type Following = ReturnType<(typeof followingMessage)['decode']>;

/** As many of the fragments, from the first on, as one request takes. */
export function fittingRun(fragments: readonly Fragment[]): readonly Fragment[] {
  let leftBytes = runBytesMax;
  let count = 0;
  for (const { fragment, measurements } of packAlike(fragments)) {
    leftBytes -= planOf(fragment).length;
    for (const measurement of measurements) {
      leftBytes -= measurement.length * 3;
      if (leftBytes < 0) return fragments.slice(0, Math.max(1, count));
      count++;
    }
  }
  return fragments;
}

function followingOf(first: Fragment, following: readonly Fragment[]): readonly Following[] {
  const [own, ...others] = packAlike([first, ...following]);
  const alike = own?.measurements.slice(1).map((measurement) => ({ measurement })) ?? [];
  return [
    ...alike,
    ...others.flatMap(
      ({ fragment, measurements }) =>
      measurements.map((measurement, i) => ({ measurement, ...(i === 0 && { plan: planOf(fragment) }) })), // prettier-ignore
    ),
  ];
}

function fragmentsBehind(first: Fragment, following: readonly Following[]): readonly Fragment[] {
  let last = first;
  return following.map(({ measurement, plan }) => {
    const base = plan === undefined ? last : { ...decodePlan(plan), shardIds: first.shardIds };
    last = { ...base, measurement };
    return last;
  });
}

export const fragmentMethod = streamMethod('/varve.data.v1.Shards/Fragment', {
  requestBytesMax: planBytesMax,
  request: mappedMessage(
    message(v1.FragmentRequest, {
      shardIds,
      plan: planBytes,
      describedAt: optional(schemaMark),
      takesPacked: flag,
      following: list(followingMessage, { max: followingMax }),
    }),
    {
      to: ({ fragment, following = [], describedAt, takesPacked = false }: AskedFragment) => ({ shardIds: fragment.shardIds, plan: planOf(fragment), following: followingOf(fragment, following), describedAt, takesPacked }), // prettier-ignore
      from: ({ shardIds: ids, plan, following, describedAt, takesPacked }): AskedFragment => {
        const fragment = fragmentsRead.of(ids, plan);
        return {
          fragment,
          following: fragmentsBehind(fragment, following),
          describedAt,
          takesPacked,
        };
      },
    },
  ),
  reply: {
    encode: (reply: FragmentReply) => {
      const { ends: told, isLast } = reply;
      const mark = told !== undefined ? endMessage.encode({ ends: told, isLast }) : isLast ? lastMark : noMark; // prettier-ignore
      return 'packed' in reply
        ? encodeBytesField(2, reply.packed, mark)
        : encodeBytesField(1, encodeBlocks(reply.blocks), mark);
    },
    decode: (whole: Uint8Array): FragmentReply => {
      const { blocks, packed, ends: told, isLast } = replyMessage.decode(whole);
      const read = packed.length > 0 ? decodeSentBlocks(packed) : blocks.length > 0 ? decodeBlocks(blocks) : []; // prettier-ignore
      return { blocks: read, isLast, ...(told.length > 0 && { ends: told }) };
    },
  },
});

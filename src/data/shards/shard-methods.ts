/** How what ShardAccess asks of another node travels (src/proto/data.proto, service Shards). */
import { MiB } from '../../base/units.ts';
import { dbErrorCodes } from '../../base/errors.ts';
import { bytes, choice, count, flag, id, int64, list, mapped, optional, text, uint64, words } from '../../proto/field.ts'; // prettier-ignore
import { varve } from '../../proto/gen/wire.js';
import {
  encodeBytesField,
  encodeBytesList,
  mappedMessage,
  message,
  union,
} from '../../proto/message.ts';
import { decodePredicate, encodePredicate, shardIds } from '../../query/fragment-codec.ts';
import type { TimeRange } from '../../query/compile/split-condition.ts';
import type { Predicate } from '../../query/predicate.ts';
import type { SourceFieldType } from '../../query/source.ts';
import { stampField } from '../../meta/client/digest-methods.ts';
import { callMethod, streamMethod, type Codec } from '../../rpc/method.ts';
import { stampNs, stampOf, stampOrigin } from '../../models/stamp.ts';
import {
  askedLengthMax,
  type AnswerPart,
  type AskedAnswer,
} from '../engine/answers/answer-task.ts';
import type { ListRequest } from '../engine/lists/schema-list.ts';
import type {
  DeletePointsRequest,
  ListOptions,
  OwnerReceipt,
  PlannedBlocks,
  ShardBatch,
  ShardMarks,
  WriteCall,
} from '../engine/shard-access.ts';
import { schemaMark } from './fragment-message.ts';
import { pledgeMessage, type Pledge } from './pledges/pledge.ts';

const { v1 } = varve.data;

/** A write is at most max-body-size and grows a little as columns; a call carries several. */
const writeBytesMax = 128 * MiB;
const batchesMax = 65_536;
const planBytesMax = 16 * MiB;
const namesMax = 10_000_000;
const answerPartBytesMax = 1_024 * MiB;
/** As answer-share.ts has it. */
const shareHeadBytesMax = 8 * MiB;
const [noBytes, noWords] = [new Uint8Array(), new Uint32Array()];
/** Of brackets: as deep as a document is within a statement. */
const closingLengthMax = 64;
/** A sketch has some 16,000 registers of six bits. */
const sketchBytesMax = 1 << 20;
const reasonLengthMax = 1 << 20;

const name = text();
const names = list(name, { max: namesMax });

/** A list that may be left out. */
const someNames = mapped(message(v1.Names, { names }), {
  to: (value: readonly string[]) => ({ names: value }),
  from: (value) => value.names,
});

/** What an owner says of one batch, as it travels. */
export type WireOutcome =
  | ({ readonly kind: 'written' } & OwnerReceipt)
  | {
      readonly kind: 'failed';
      readonly code: (typeof dbErrorCodes)[number];
      readonly text: string;
    };

/** Of a batch, besides its payload. */
const batchPlace = {
  shardId: id,
  database: name,
  retentionPolicy: name,
  fence: optional(
    message(v1.WriteShardsRequest.Fence, {
      lease: text({ lengthMax: 255 }),
      token: count(),
    }),
  ),
  catalogIndex: optional(count()),
  login: optional(name),
};
const placeMessage = message(v1.WriteShardsRequest.ShardBatch, batchPlace);
const shardBatches = list(
  message(v1.WriteShardsRequest.ShardBatch, {
    ...batchPlace,
    payload: bytes({ lengthBytesMax: writeBytesMax }),
  }),
  { max: batchesMax },
);
/** As in data.proto. */
const batchesNumber = 1;
const payloadNumber = 4;

interface WriteShardsRequest {
  readonly batches: readonly ShardBatch[];
  readonly call?: WriteCall | undefined;
}

const writeCall = {
  call: optional(
    message(v1.WriteShardsRequest.Call, {
      nodeId: id,
      run: count(),
      number: count(),
      settledBelow: count(),
    }),
  ),
};
const callMessage = message(v1.WriteShardsRequest, writeCall);

/** Payloads are nearly all of it. */
const writeShardsRequest: Codec<WriteShardsRequest> = {
  ...message(v1.WriteShardsRequest, { batches: shardBatches, ...writeCall }),
  encode: ({ batches, call }, lend) =>
    encodeBytesList(
      batchesNumber,
      batches.map((batch) => ({
        ...{ others: placeMessage.encode(batch), number: payloadNumber, value: batch.payload },
      })),
      { rest: call && callMessage.encode({ call }), lend },
    ),
};

export const settledMethod = callMethod('/varve.data.v1.Shards/Settled', {
  request: message(v1.SettledRequest, { nodeId: id }),
  reply: message(v1.SettledReply, { run: count(), settledBelow: count() }),
});

/** Of one batch. */
const outcome = union<WireOutcome>(v1.WriteShardsReply.Outcome, {
  variants: {
    written: [
      'written',
      message(v1.WriteShardsReply.Written, {
        droppedCount: count(),
        reason: text({ lengthMax: reasonLengthMax }),
        newerNs: optional(int64),
      }),
    ],
    failed: [
      'failed',
      message(v1.WriteShardsReply.Failed, {
        // A code of a newer release is one that nobody here reacts to.
        code: mapped(text({ lengthMax: 64 }), {
          to: (code: (typeof dbErrorCodes)[number]) => code,
          from: (code) => dbErrorCodes.find((known) => known === code) ?? 'internal',
        }),
        text: text({ lengthMax: reasonLengthMax }),
      }),
    ],
  },
});

export const writeShardsMethod = callMethod('/varve.data.v1.Shards/WriteShards', {
  requestBytesMax: writeBytesMax,
  isLent: true,
  request: writeShardsRequest,
  reply: message(v1.WriteShardsReply, {
    outcomes: list(outcome, { max: batchesMax }),
    freshCount: optional(count()),
  }),
});

export const keepWritesMethod = callMethod('/varve.data.v1.Shards/KeepWrites', {
  requestBytesMax: writeBytesMax,
  request: message(v1.KeepWritesRequest, { nodeId: id, batches: shardBatches }),
  reply: message(v1.KeepWritesReply, {}),
});

export const bringMethod = callMethod('/varve.data.v1.Shards/Bring', {
  requestBytesMax: writeBytesMax,
  request: message(v1.BringRequest, {
    shardId: id,
    database: name,
    retentionPolicy: name,
    catalogIndex: count(),
    stamp: stampField,
    packed: bytes({ lengthBytesMax: writeBytesMax }),
  }),
  reply: message(v1.BringReply, { outcome }),
});

const fieldType = choice({ float: 1, integer: 2, unsigned: 3, boolean: 4, string: 5 });

/** A field of a measurement is a pair where it is used. */
const schemaField = mapped(message(v1.DescribeReply.Field, { name, type: fieldType }), {
  to: ([fieldName, type]: readonly [string, SourceFieldType]) => ({ name: fieldName, type }),
  from: ({ name: fieldName, type }) => [fieldName, type] as const,
});

export const describeMethod = streamMethod('/varve.data.v1.Shards/Describe', {
  requestBytesMax: planBytesMax,
  request: message(v1.DescribeRequest, {
    shardIds,
    only: optional(someNames),
    tellsStamp: flag,
  }),
  reply: message(v1.DescribeReply, {
    measurements: list(
      message(v1.DescribeReply.Measurement, {
        name,
        fields: list(schemaField, { max: namesMax }),
        tagKeys: names,
      }),
      { max: namesMax },
    ),
    lanes: list(
      mapped(message(v1.DescribeReply.Lane, { shardIds }), {
        to: (lane: readonly number[]) => ({ shardIds: lane }),
        from: (lane) => lane.shardIds,
      }),
      { max: batchesMax },
    ),
    stampNs: optional(int64),
    mark: optional(schemaMark),
  }),
});

const predicate = mapped(bytes({ lengthBytesMax: planBytesMax }), {
  to: (value: Predicate) => encodePredicate(value),
  from: decodePredicate,
});

const sketch = words({ lengthBytesMax: sketchBytesMax });

export const listMethod = streamMethod('/varve.data.v1.Shards/List', {
  requestBytesMax: planBytesMax,
  request: message(v1.ListRequest, {
    of: choice({
      series: 1,
      'tag-keys': 2,
      'tag-values': 3,
      'field-types': 4,
      'series-sketch': 5,
      'whole-sketch': 6,
    }),
    shardIds,
    measurements: list(
      message(v1.ListRequest.Measurement, {
        name,
        predicate: optional(predicate),
        tagKeys: optional(someNames),
        textsMax: optional(count()),
      }),
      { max: namesMax },
    ),
    describedAt: optional(schemaMark),
  }) satisfies Codec<ListRequest & Pick<ListOptions, 'describedAt'>>,
  reply: message(v1.ListReply, {
    pieces: list(
      message(v1.ListReply.Piece, {
        at: count({ max: namesMax }),
        key: name,
        texts: names,
        sketch: optional(sketch),
      }),
      { max: namesMax },
    ),
    mark: optional(schemaMark),
    isLast: flag,
  }),
});

export const marksMethod = callMethod('/varve.data.v1.Shards/Marks', {
  request: message(v1.MarksRequest, { pledgeTo: count() }),
  reply: message(v1.MarksReply, {
    schemas: schemaMark,
    lists: schemaMark,
    pledge: optional(pledgeMessage),
  }) satisfies Codec<ShardMarks & { readonly pledge?: Pledge | undefined }>,
});

/** Also what hinted handoff keeps of a delete. */
export const deletePointsMessage = mappedMessage(
  message(v1.DeletePointsRequest, {
    shardIds,
    measurements: list(
      message(v1.DeletePointsRequest.Measurement, { name, predicate: optional(predicate) }),
      { max: namesMax },
    ),
    minTimeNs: int64,
    maxTimeNs: int64,
    catalogIndex: optional(count()),
    stampNs: optional(int64),
    stampOrigin: optional(uint64),
  }),
  {
    to: ({ stamp, ...request }: DeletePointsRequest) => ({
      ...request,
      ...(stamp !== undefined && { stampNs: stampNs(stamp), stampOrigin: stampOrigin(stamp) }),
    }),
    from: ({ stampNs: ns, stampOrigin: origin, ...request }): DeletePointsRequest => ({
      ...request,
      ...(ns !== undefined && origin !== undefined && { stamp: stampOf(ns, origin) }),
    }),
  },
);

export const deletePointsMethod = callMethod('/varve.data.v1.Shards/DeletePoints', {
  requestBytesMax: planBytesMax,
  request: deletePointsMessage,
  reply: message(v1.DeletePointsReply, {}),
});

const typedFields = list(message(v1.TypedField, { measurement: name, name, type: fieldType }), {
  max: namesMax,
});

export const decideFieldTypesMethod = callMethod('/varve.data.v1.Shards/DecideFieldTypes', {
  requestBytesMax: planBytesMax,
  request: message(v1.DecideFieldTypesRequest, {
    shardId: id,
    database: name,
    retentionPolicy: name,
    fields: typedFields,
  }),
  reply: message(v1.DecideFieldTypesReply, { fields: typedFields }),
});

const answerRequest = mappedMessage(
  message(v1.AnswerRequest, {
    statement: text({ lengthMax: askedLengthMax }),
    database: name,
    retentionPolicy: name,
    shardIds,
    isParted: flag,
    names: optional(someNames),
    minTimeNs: optional(int64),
    maxTimeNs: optional(int64),
    bucketsMax: count(),
    seriesMax: count(),
    pointsMax: count(),
    epochUnitNs: optional(int64),
    nowNs: int64,
    isShare: flag,
    ownTimes: optional(
      mapped(
        message(v1.AnswerRequest.OwnTimes, {
          minTimeNs: optional(int64),
          maxTimeNs: optional(int64),
        }),
        {
          to: ({ minNs, maxNs }: TimeRange) => ({ minTimeNs: minNs, maxTimeNs: maxNs }),
          from: ({ minTimeNs: minNs, maxTimeNs: maxNs }): TimeRange => ({ minNs, maxNs }),
        },
      ),
    ),
    pledgeTo: count(),
  }),
  {
    to: ({ isShare = false, pledgeTo = 0, ...asked }: AskedAnswer) => ({ ...asked, isShare, pledgeTo }), // prettier-ignore
    from: ({ isShare, pledgeTo, ...asked }): AskedAnswer => (isShare ? { ...asked, isShare, pledgeTo } : asked), // prettier-ignore
  },
);

/** A part on its way between nodes. */
export interface SentPart extends AnswerPart {
  /** Of a share without groups: the mark of lists for which that holds, and maybe the word that they stay so. */
  readonly empty?: { readonly at: string; readonly pledge: Pledge | undefined } | undefined;
}

const answerReply = mappedMessage(
  message(v1.AnswerReply, {
    part: bytes({ lengthBytesMax: answerPartBytesMax }),
    closing: text({ lengthMax: closingLengthMax }),
    isLast: flag,
    shareHead: bytes({ lengthBytesMax: shareHeadBytesMax }),
    shareSpans: words({ lengthBytesMax: answerPartBytesMax }),
    emptyAt: optional(schemaMark),
    pledge: optional(pledgeMessage),
  }),
  {
    to: ({ bytes: part, closing, isLast = false, share, empty }: SentPart) => ({ part, closing, isLast, shareHead: share?.head ?? noBytes, shareSpans: share?.spans ?? noWords, emptyAt: empty?.at, pledge: empty?.pledge }), // prettier-ignore
    from: ({ part, closing, isLast, shareHead, shareSpans, emptyAt: at, pledge }): SentPart => {
      const said = { bytes: part, closing, isLast, ...(at !== undefined && { empty: { at, pledge } }) }; // prettier-ignore
      if (shareHead.length === 0 && shareSpans.length === 0) return said;
      return { ...said, share: { head: shareHead, spans: shareSpans } };
    },
  },
);

export const answerMethod = streamMethod('/varve.data.v1.Shards/Answer', {
  requestBytesMax: planBytesMax,
  request: answerRequest,
  reply: answerReply,
});

/** An answer of a node is a batch of blocks at a time, of which one may be of any length. */
const packedBytesMax = 1_024 * MiB;
const blocksReply = message(v1.BlocksReply, {
  planned: schemaMark,
  packed: bytes({ lengthBytesMax: packedBytesMax }),
  isLast: flag,
});

export const blocksMethod = streamMethod('/varve.data.v1.Shards/Blocks', {
  requestBytesMax: planBytesMax,
  request: answerRequest,
  reply: {
    // Past the generated writer, which copies as it grows.
    encode: ({ planned, packed, isLast }: PlannedBlocks) =>
      encodeBytesField(2, packed, blocksReply.encode({ planned, packed: noBytes, isLast })),
    decode: (whole: Uint8Array): PlannedBlocks => blocksReply.decode(whole),
  } satisfies Codec<PlannedBlocks>,
});

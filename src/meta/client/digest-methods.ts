/** What owners say of the points that they have of a shard (src/proto/data.proto, service Digests). */
import { bytes, count, flag, id, int64, optional } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { message } from '../../proto/message.ts';
import { streamMethod } from '../../rpc/method.ts';

const { v1 } = varve.data;

const digestBytesMax = 1 << 20;
const uint32Max = 2 ** 32 - 1;

export const digestMethod = streamMethod('/varve.data.v1.Digests/Digest', {
  request: message(v1.DigestRequest, {
    shardId: id,
    startNs: int64,
    endNs: int64,
    known: optional(count({ max: uint32Max })),
  }),
  reply: message(v1.DigestReply, {
    digest: optional(bytes({ lengthBytesMax: digestBytesMax })),
    isMissing: flag,
  }),
});

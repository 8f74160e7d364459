/** What data nodes ask each other of their running queries (src/proto/data.proto, service Queries). */
import { count, flag, id, int64, list, mapped, text } from '../../../proto/field.ts';
import { varve } from '../../../proto/gen/wire.js';
import { message } from '../../../proto/message.ts';
import { callMethod } from '../../../rpc/method.ts';
import type { RunningQuery } from './query-registry.ts';

const { v1 } = varve.data;

const queriesMax = 1_000_000;
const textLengthMax = 1 << 26;

const query = mapped(
  message(v1.ListQueriesReply.Query, {
    id: count(),
    text: text({ lengthMax: textLengthMax }),
    database: text(),
    user: text(),
    durationNs: int64,
    isKilled: flag,
  }),
  {
    to: ({ status, ...rest }: RunningQuery) => ({ ...rest, isKilled: status === 'killed' }),
    from: ({ isKilled, ...rest }): RunningQuery => ({
      ...rest,
      status: isKilled ? 'killed' : 'running',
    }),
  },
);

export const listQueriesMethod = callMethod('/varve.data.v1.Queries/List', {
  request: message(v1.ListQueriesRequest, {}),
  reply: message(v1.ListQueriesReply, { queries: list(query, { max: queriesMax }) }),
});

export const killQueryMethod = callMethod('/varve.data.v1.Queries/Kill', {
  request: message(v1.KillQueryRequest, { id }),
  reply: message(v1.KillQueryReply, {}),
});

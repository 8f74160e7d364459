import { AnswerRunner } from '../../src/data/engine/answers/answer-runner.ts';
import { taskText, type AnswerRequest } from '../../src/data/engine/answers/answer-task.ts';
import type { ShareLimits } from '../../src/data/engine/answers/shared/share-answer.ts';
import { IdleKernels } from '../../src/data/engine/idle-kernels.ts';
import { MiB } from '../../src/base/units.ts';
import type { Clock } from '../../src/env/clock.ts';
import type { SelectStatement } from '../../src/influxql/ast.ts';
import { parseQuery } from '../../src/influxql/parser.ts';
import { regexCache } from '../../src/influxql/regex.ts';
import { SelectAccounts } from '../../src/query/run/select-limits.ts';
import type { Store } from '../../src/storage/store/store.ts';
import { kept } from './store-script.ts';

/** What answers of a store alone, as its worker does. */
export function answersOf(store: Store, clock: Clock, shareLimits: ShareLimits): AnswerRunner {
  return new AnswerRunner({
    ...{ clock, turn: () => Promise.resolve(), matcher: regexCache(), lent: store.borrowed },
    accounts: new SelectAccounts(),
    kernels: new IdleKernels({ bytesMax: 16 * MiB }),
    whenOpen: () => Promise.resolve(),
    views: (shardIds) => shardIds.flatMap((shardId) => store.view(shardId) ?? []),
    ...{ schemaVersion: () => store.schemaVersion, seriesVersion: () => store.seriesVersion },
    shareLimits,
  });
}

/** Of measurement `m` in the kept shard, all of whose times are asked for. */
export function requestOf(text: string): AnswerRequest {
  const statement = parseQuery(text)[0] as SelectStatement;
  const place = { database: 'db', retentionPolicy: 'autogen', isParted: false, shardIds: [kept.shardId], names: ['m'] }; // prettier-ignore
  const limits = { bucketsMax: 0, seriesMax: 0, pointsMax: 0 };
  const range = { minNs: undefined, maxNs: undefined };
  const task = { statement, range, places: [place], ...limits, epochUnitNs: 1n };
  return { text: taskText(task) ?? '', nowNs: 60n, isKept: false };
}

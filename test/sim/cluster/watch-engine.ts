import type { ShardBatch } from '../../../src/data/engine/shard-access.ts';
import { filterTests, filterOf } from '../../../src/data/engine/delete-filters.ts';
import type { ListedMeasurement } from '../../../src/data/engine/lists/schema-list.ts';
import type { EngineReceipt, HomeDelete } from '../../../src/data/engine/engine-tasks.ts';
import { deleteOfHint } from '../../../src/data/write/delete-hint.ts';
import { batchOfHint } from '../../../src/data/write/fenced-hint.ts';
import type { Engine } from '../../../src/env/engine-host.ts';
import type { HintedHandoff } from '../../../src/hh/hinted-handoff.ts';
import { decodePointBatch, seriesKeysOf } from '../../../src/models/point-batch.ts';
import { stampOfBatch } from '../../../src/models/stamp.ts';
import type { HintOrder } from './check-hint-order.ts';
import type { History } from './history.ts';
import { type LastWrites, registerFields } from './last-writes.ts';
import { measurementOf, rowKey, valueText } from './points.ts';

export interface EngineWatch {
  readonly node: string;
  readonly history: History;
  readonly lastWrites: LastWrites;
}

/** The engine; what it is asked to write, and what it says became of that, is noted. */
export function watchEngine(engine: Engine, { node, history, lastWrites }: EngineWatch): Engine {
  const deleting: Deleting = async (engineOf, body, context) => {
    const { shardIds, measurements, minTimeNs, maxTimeNs, stamp = 0n } = body;
    const isMeant = meantBy(measurements, { minTimeNs, maxTimeNs });
    const said = lastWrites.beginDelete(node, {
      stamp,
      minTimeNs,
      maxTimeNs,
      shardIds: new Set(shardIds),
      isMeant,
    });
    const reply = await engineOf.call('delete-points', body, context);
    said.durable();
    return reply;
  };
  return {
    call: async (kind, body, context) => {
      if (kind === 'delete-points') return deleting(engine, body as HomeDelete, context);
      if (kind !== 'write') return engine.call(kind, body, context);
      const { payload, shardId } = body as ShardBatch;
      const { keys, registers } = contentOf(payload);
      const stamp = stampOfBatch(payload);
      const calls = registers.map(({ key, value }) => lastWrites.begin(node, key, { value, stamp, shardId })); // prettier-ignore
      const reply = await engine.call(kind, body, context);
      const { droppedCount, asks } = reply.body as EngineReceipt;
      // Nothing is written yet: it comes again with what other workers have to say of its series.
      if (asks !== undefined) return reply;
      for (const call of calls) call.durable();
      history.noteDurable(node, keys, droppedCount === 0 ? 'whole' : 'refused');
      return reply;
    },
    stream: (kind, body, context) => engine.stream(kind, body, context),
    close: () => engine.close(),
  };
}

type Deleting = (
  engine: Engine,
  body: HomeDelete,
  context: Parameters<Engine['call']>[2],
) => ReturnType<Engine['call']>;

/** Whether a delete means a register, by its key. */
function meantBy(
  measurements: readonly ListedMeasurement[],
  { minTimeNs, maxTimeNs }: { readonly minTimeNs: bigint; readonly maxTimeNs: bigint },
): (key: string) => boolean {
  const passes = filterTests()(filterOf(measurements));
  return (key) => {
    const [series = '', time = '0'] = key.split(' ');
    if (BigInt(time) < minTimeNs || BigInt(time) > maxTimeNs) return false;
    return passes(new TextEncoder().encode(series), measurementOf(series));
  };
}

export interface HintsWatch {
  /** Whose hinted handoff it is. */
  readonly keeper: string;
  readonly history: History;
  readonly order: HintOrder;
  readonly nameOf: (nodeId: number) => string;
}

/** What hinted handoff is given, and says that it keeps, is noted for the owner that it is for. */
export function watchHints(
  hints: HintedHandoff,
  { keeper, history, order, nameOf }: HintsWatch,
): void {
  // prettier-ignore
  const append = hints.append.bind(hints);
  hints.append = async (nodeId, shardId, payloads) => {
    const owner = nameOf(nodeId);
    const batches = payloads.filter((one) => deleteOfHint(one) === undefined).map((hint) => batchOfHint(hint).payload); // prettier-ignore
    for (const payload of batches) order.noteQueued(keeper, owner, shardId, payload);
    await append(nodeId, shardId, payloads);
    for (const payload of batches) history.noteQueued(owner, contentOf(payload).keys);
  };
}

interface Content {
  readonly keys: readonly string[];
  readonly registers: readonly { readonly key: string; readonly value: string }[];
}

function contentOf(payload: Uint8Array): Content {
  const batch = decodePointBatch(payload);
  const seriesKeys = seriesKeysOf(batch);
  const keys: string[] = [];
  const registers: { key: string; value: string }[] = [];
  for (const { measurement, series, timesNs, columns } of batch.shapes) {
    timesNs.forEach((timeNs, row) => {
      const key = rowKey(seriesKeys[series[row] ?? 0] ?? '', timeNs);
      const field = registerFields.get(measurement);
      if (field === undefined) keys.push(key);
      else {
        const [values] = columns as readonly BigInt64Array[];
        registers.push({ key, value: `${field}=${valueText.integer(values?.[row] ?? 0n)}` });
      }
    });
  }
  return { keys, registers };
}

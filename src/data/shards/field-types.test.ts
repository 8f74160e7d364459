import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import { parseLines } from '../../models/line-protocol.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { seriesKey } from '../../models/series-key.ts';
import type {
  BatchOutcome,
  FieldsOfShard,
  ShardBatch,
  TypedBatch,
  TypedField,
} from '../engine/shard-access.ts';
import { FieldTypes } from './field-types.ts';

function batchOf(lines: string, shardId = 7): ShardBatch {
  const { points } = parseLines(new TextEncoder().encode(lines), { stepNs: 1n, defaultTimeNs: 9n });
  const builder = new PointBatchBuilder();
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return { shardId, database: 'd', retentionPolicy: 'autogen', payload: builder.finish() };
}

/** An owner whose lead is node 1, which answers when it is told to. */
class Owner {
  readonly written: TypedBatch[] = [];
  readonly asked: FieldsOfShard[] = [];
  readonly alone: number[] = [];
  answer: (fields: readonly TypedField[]) => Promise<readonly TypedField[]> = (fields) =>
    Promise.resolve(fields);
  lead: number | undefined = 1;
  isLate = false;
  outcome: BatchOutcome = { kind: 'written', droppedCount: 0, reason: '' };
  nowMs = 0;
  readonly types: FieldTypes;

  constructor(more: { readonly takesLongTexts?: boolean } = {}) {
    this.types = new FieldTypes(this.#ports(), { askDeadlineMs: 1_000, rememberedMax: 3, ...more });
  }

  #ports(): ConstructorParameters<typeof FieldTypes>[0] {
    return {
      write: (batch) => {
        this.written.push(batch);
        return Promise.resolve(this.outcome);
      },
      isLate: () => Promise.resolve(this.isLate),
      leadOf: () => this.lead,
      askLead: (_node, request) => {
        this.asked.push(request);
        return this.answer(request.fields);
      },
      nowMs: () => this.nowMs,
      onAlone: (shardId) => this.alone.push(shardId),
    };
  }

  names(): string {
    return this.asked.map(({ fields }) => fields.map(({ name, type }) => `${name}:${type}`).join()).join(' '); // prettier-ignore
  }
}

test('field types: the lead is asked once for each new field, and its answer goes with the write', async () => {
  const owner = new Owner();
  owner.answer = () => Promise.resolve([{ measurement: 'm', name: 'v', type: 'string' }]);
  await owner.types.write(batchOf('m v=1 1'));
  expect(owner.names()).toBe('v:float');
  expect(owner.written[0]?.fields).toEqual([{ measurement: 'm', name: 'v', type: 'string' }]);
  await owner.types.write(batchOf('m v=2 2'));
  await owner.types.write(batchOf('m v="other" 2'));
  expect(owner.asked).toHaveLength(1);
  expect(owner.written[1]?.fields).toBeUndefined();
  owner.answer = (fields) => Promise.resolve(fields);
  await owner.types.write(batchOf('m v=3,w=1i 3\no v=1 3'));
  expect(owner.names()).toBe('v:float w:integer,v:float');
  await owner.types.write(batchOf('m v=1 1', 8));
  expect(owner.asked).toHaveLength(3);
});

test('field types: nothing is asked for rows whose texts are too long for any owner', async () => {
  const owner = new Owner();
  const long = `m v="${'x'.repeat(1_048_577)}"`;
  await owner.types.write(batchOf(`${long} 1`));
  expect(owner.asked).toEqual([]);
  await owner.types.write(batchOf(`${long} 1\nm v=1 2`));
  await owner.types.write(batchOf(`${long},w=1 1\nm v="",w=1 2`));
  expect(owner.names()).toBe('v:float w:float');
});

test('field types: where long texts are taken their fields are asked for', async () => {
  const owner = new Owner({ takesLongTexts: true });
  await owner.types.write(batchOf(`m v="${'x'.repeat(1_048_577)}" 1`));
  expect(owner.names()).toBe('v:string');
});

test('field types: batches of a shard keep their order while one waits, those of others do not wait', async () => {
  const owner = new Owner();
  const gate = new Latch<undefined>();
  owner.answer = async (fields) => {
    await gate.promise;
    return fields;
  };
  const first = owner.types.write(batchOf('m v=1 1'));
  const second = owner.types.write(batchOf('m v=2 1'));
  owner.lead = undefined;
  const third = owner.types.write(batchOf('m v=3 1'));
  await owner.types.write(batchOf('m v=9 1', 8));
  expect(owner.written.map(({ shardId }) => shardId)).toEqual([8]);
  gate.open(undefined);
  await Promise.all([first, second, third]);
  expect(owner.written.map(({ shardId }) => shardId)).toEqual([8, 7, 7, 7]);
  const values = owner.written.slice(1).map(({ payload }) => Buffer.from(payload).toString('hex'));
  expect(values).toEqual(
    [1, 2, 3].map((v) => Buffer.from(batchOf(`m v=${v} 1`).payload).toString('hex')),
  );
  expect(owner.asked).toHaveLength(1);
});

test('field types: a lead that is away is done without, and asked again after a while', async () => {
  const owner = new Owner();
  owner.answer = () => Promise.reject(new DbError('unavailable', 'away'));
  for (let i = 0; i < 3; i++) {
    const outcome = await owner.types.write(batchOf(`m v=${i} 1`));
    expect(outcome.kind).toBe('written');
  }
  expect(owner.asked).toHaveLength(1);
  expect(owner.alone).toEqual([7]);
  owner.nowMs = 2_000;
  owner.answer = (fields) => Promise.resolve(fields);
  await owner.types.write(batchOf('m v=4 1'));
  expect(owner.asked).toHaveLength(2);
});

test('field types: what is remembered is bounded', async () => {
  const owner = new Owner();
  await owner.types.write(batchOf('m a=1,b=1,c=1 1'));
  await owner.types.write(batchOf('m d=1 1'));
  await owner.types.write(batchOf('m a=1 1'));
  expect(owner.names()).toBe('a:float,b:float,c:float d:float a:float');
});

test('field types: the lead itself asks nobody', async () => {
  const owner = new Owner();
  owner.lead = undefined;
  await owner.types.write(batchOf('m v=1 1'));
  expect(owner.asked).toEqual([]);
  expect(owner.written).toHaveLength(1);
});

test('field types: of a batch that comes late the lead is asked nothing, and of the next one it is', async () => {
  const owner = new Owner();
  owner.isLate = true;
  await owner.types.write(batchOf('m v=1 1'));
  expect(owner.names()).toBe('');
  expect(owner.written[0]?.fields).toBeUndefined();
  owner.isLate = false;
  await owner.types.write(batchOf('m v=1 1'));
  expect(owner.names()).toBe('v:float');
});

test('field types: a shard that is damaged at its lead lets that decide those of its other shards', async () => {
  const owner = new Owner();
  owner.answer = () => Promise.reject(new DbError('corrupt', 'shard 7 is damaged'));
  await owner.types.write(batchOf('m v=1 1'));
  expect(owner.alone).toEqual([7]);
  owner.answer = () => Promise.resolve([{ measurement: 'm', name: 'v', type: 'string' }]);
  await owner.types.write(batchOf('m v=1 1', 8));
  expect(owner.written[1]?.fields).toMatchObject([{ type: 'string' }]);
  // It is not asked about the other one for a while.
  await owner.types.write(batchOf('m v=1 2'));
  expect(owner.asked).toHaveLength(2);
  owner.nowMs = 1_000;
  await owner.types.write(batchOf('m v=1 3'));
  expect(owner.asked).toHaveLength(3);
});

test('field types: what a delete may have taken is asked anew, of its shards alone', async () => {
  const owner = new Owner();
  await owner.types.write(batchOf('m v=1 1'));
  await owner.types.write(batchOf('m v=1 1', 8));
  owner.types.forget([7]);
  await owner.types.write(batchOf('m v="text" 2'));
  expect(owner.names()).toBe('v:float v:float v:string');
  await owner.types.write(batchOf('m v=2 2', 8));
  expect(owner.asked).toHaveLength(3);
});

test('field types: what the lead told before a delete is not known behind it', async () => {
  const owner = new Owner();
  const gate = new Latch<undefined>();
  owner.answer = async (fields) => {
    await gate.promise;
    return fields;
  };
  const before = owner.types.write(batchOf('m v=1 1'));
  await new Promise((resolve) => setImmediate(resolve));
  owner.types.forget([7]);
  gate.open(undefined);
  await before;
  await owner.types.write(batchOf('m v=2 2'));
  expect(owner.asked).toHaveLength(2);
});

test('field types: of a batch that could not be taken nothing is known', async () => {
  const owner = new Owner();
  await owner.types.write(batchOf('m w=1 1'));
  owner.outcome = { kind: 'failed', error: new DbError('cache_full', 'full') };
  await owner.types.write(batchOf('m v=1 1'));
  owner.outcome = { kind: 'written', droppedCount: 0, reason: '' };
  await owner.types.write(batchOf('m v="text" 1'));
  expect(owner.names()).toBe('w:float v:float v:string');
  await owner.types.write(batchOf('m v="more",w=2 2'));
  expect(owner.asked).toHaveLength(3);
});

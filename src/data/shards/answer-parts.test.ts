import { expect, test } from 'vitest';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { MeasurementDescription } from '../engine/shard-access.ts';
import { descriptionParts } from './answer-parts.ts';
import { KnownDescriptions } from './known-descriptions.ts';
import { KnownEmpties } from './known-empties.ts';
import type { HeldPledges } from './pledges/held-pledges.ts';
import { RemoteShards } from './remote-shards.ts';
import { describeMethod } from './shard-methods.ts';

const many = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${name}-${i}`);

function measurement(name: string, fieldCount: number): MeasurementDescription {
  const fields = many('field', fieldCount).map((field) => [field, 'float'] as const);
  return { name, fields, tagKeys: ['host', 'region'] };
}

/** The far end is these parts. */
function far(parts: readonly unknown[]): RemoteShards {
  const stream = async function* () {
    for (const part of parts) yield await Promise.resolve(part);
  };
  const memory = { known: new KnownDescriptions(), empties: new KnownEmpties() };
  const pledges = {} as unknown as HeldPledges;
  const node = { id: 2, tcpAddress: 'd1:8088' };
  return new RemoteShards({ stream } as unknown as RpcClient, node, { ...memory, pledges });
}

test('answer parts: a description of any size comes back whole, in parts that a message takes', async () => {
  const description = {
    measurements: [measurement('wide', 50_000), ...many('m', 3_000).map((name) => measurement(name, 2)), measurement('none', 0)], // prettier-ignore
    lanes: [[1, 3], [2]],
  };
  const sent = [...descriptionParts(description)].map((part) => describeMethod.reply.encode(part));
  expect(sent.length).toBeGreaterThan(5);
  expect(Math.max(...sent.map(({ length }) => length))).toBeLessThan(1 << 20);
  const parts = sent.map((part) => describeMethod.reply.decode(part));
  expect(await far(parts).describe([1, 2, 3], { deadlineMs: 1 })).toEqual(description);
});

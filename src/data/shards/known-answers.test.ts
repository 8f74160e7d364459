/** What is remembered of other nodes' answers: descriptions of their shards, and shares without groups. */
import { expect, test } from 'vitest';
import type { ShardsDescription } from '../engine/shard-access.ts';
import { KnownDescriptions } from './known-descriptions.ts';
import { KnownEmpties } from './known-empties.ts';

function descriptionOf(fieldCount: number, mark: string | undefined = 'm'): ShardsDescription {
  const fields = Array.from({ length: fieldCount }, (_, i) => [`f${i}`, 'float'] as const);
  return { measurements: [{ name: 'm', fields, tagKeys: ['t'] }], lanes: [], mark };
}

test('known descriptions: one is found by what was asked of whom, until that node has changed', () => {
  const known = new KnownDescriptions();
  const asked = { shardIds: [1, 2], only: ['m'] };
  const small = descriptionOf(3);
  known.keep('n1:1', asked, small);
  known.keep('n1:12', asked, small);
  expect(known.find('n1:1', { shardIds: [1, 2], only: ['m'] })).toBe(small);
  expect([known.find('n1:1', { shardIds: [1], only: ['m'] }), known.find('n1:1', { shardIds: [1, 2], only: undefined }), known.find('n2:1', asked)]).toEqual([undefined, undefined, undefined]); // prettier-ignore
  known.forget('n1:1');
  expect(known.find('n1:1', asked)).toBeUndefined();
  expect(known.find('n1:12', asked)).toBe(small);
});

test('known descriptions: large ones, those that nobody can tell to be outdated, and very many are not kept', () => {
  const known = new KnownDescriptions();
  const asked = (id: number) => ({ shardIds: [id], only: undefined });
  known.keep('n', asked(1), descriptionOf(4_094));
  known.keep('n', asked(2), descriptionOf(4_095));
  known.keep('n', asked(3), { ...descriptionOf(1), mark: undefined });
  expect([1, 2, 3].map((id) => known.find('n', asked(id)) !== undefined)).toEqual([true, false, false]); // prettier-ignore
  for (let id = 10; id < 265; id++) known.keep('n', asked(id), descriptionOf(1));
  expect(known.find('n', asked(1))).toBeDefined();
  known.keep('n', asked(265), descriptionOf(1));
  expect([known.find('n', asked(1)), known.find('n', asked(264))]).toEqual([undefined, undefined]);
  expect(known.find('n', asked(265))).toBeDefined();
});

test('known empties: what is kept of a share without groups is its own, whatever becomes of the message that it came with', () => {
  const known = new KnownEmpties();
  const question = {};
  const part = { bytes: Uint8Array.of(1, 2), closing: ']', isLast: true, share: { head: Uint8Array.of(3), spans: new Uint32Array() } }; // prettier-ignore
  known.keep(question, 4, { lists: 'a', part });
  part.bytes.fill(0);
  part.share.head.fill(0);
  const kept = { lists: 'a', part: { ...part, bytes: Uint8Array.of(1, 2), share: { ...part.share, head: Uint8Array.of(3) } } }; // prettier-ignore
  expect(known.find(question, 4)).toEqual(kept);
  expect([known.find(question, 5), known.find({}, 4)]).toEqual([undefined, undefined]);
});

test('known empties: one that is not all of an answer, or has groups, or is long, is asked for each time', () => {
  const known = new KnownEmpties();
  const head = new Uint8Array(24);
  const whole = { bytes: new Uint8Array(1_000), closing: '', isLast: true, share: { head, spans: new Uint32Array() } }; // prettier-ignore
  const parts = [
    whole,
    { ...whole, bytes: new Uint8Array(1_001) },
    { ...whole, isLast: false },
    { ...whole, share: { head, spans: new Uint32Array(1) } },
    { ...whole, share: undefined },
  ];
  const isKept = parts.map((part, nodeId) => {
    const question = {};
    known.keep(question, nodeId, { lists: 'a', part });
    return known.find(question, nodeId) !== undefined;
  });
  expect(isKept).toEqual([true, false, false, false, false]);
});

import { expect, test } from 'vitest';
import { decodePointBatch } from '../../../models/point-batch.ts';
import type { TimeBounds } from './point-sieve.ts';
import { routeLines } from './route-lines.ts';

const groups = [{ startNs: 0n, endNs: 1_000n, shardIds: [1] }];
const badTag = (name: string) => `invalid tag key: input tag "time" on measurement "${name}" is invalid`; // prettier-ignore
const stripped = '. Field "time" has been stripped from point.';
const badField = (name: string) => `invalid field name: input field "time" on measurement "${name}" is invalid`; // prettier-ignore
const twoTypes = (later: string, earlier: string) => `field type conflict: input field "f" on measurement "m" is type ${later}, already exists as type ${earlier}`; // prettier-ignore

/** What is written of a body, as `measurement fields`, and what is refused. */
function route(text: string, bounds: TimeBounds = {}) {
  const body = new TextEncoder().encode(text);
  const routed = routeLines({ body, stepNs: 1n, defaultTimeNs: 7n, bounds, groups });
  const written = routed.batches.flatMap(({ payload }) =>
    decodePointBatch(payload).shapes.map(
      ({ measurement, fields, rowCount }) =>
        `${measurement} ${fields.map(({ name }) => name).join()} x${rowCount}`,
    ),
  );
  const { refused, pointCount, dropped, unroutedNs } = routed;
  return { written, refused, pointCount, dropped, unroutedNs };
}

test.each([
  ['m f=1 1', ['m f x1'], undefined],
  ['m,time=a f=1 1', [], { count: 1, reason: badTag('m') }],
  ['m f=2 2\nm,a=1,time=a,z=1 f=1 1\nm,time=b f=3 3', ['m f x1'], { count: 2, reason: badTag('m') }], // prettier-ignore
  ['m time=1 1', [], { count: 1, reason: badField('m') }],
  ['m time=1,time="x" 1', [], { count: 1, reason: badField('m') }],
  ['m time=1,f=2 1\nm f=3 3', ['m f x2'], { count: 0, reason: badField('m') + stripped }],
  ['m time=1,f=2,time=1i 1', ['m f x1'], { count: 0, reason: badField('m') + stripped }],
  ['m,time=a time=1 1', [], { count: 1, reason: badTag('m') }],
  ['o time=2 1\nm f=1 1\nn,time=a f=1 1', ['m f x1'], { count: 2, reason: badTag('n') }],
  ['m f=1,f=2 1', ['m f x1'], undefined],
  ['m f=1,g=2,f=1i 1\nm f=2 2', ['m f x1'], { count: 1, reason: twoTypes('integer', 'float') }],
  ['m f=1i,f="x",f=1i 1', [], { count: 1, reason: twoTypes('string', 'integer') }],
  ['m\u2028 "f"=1i,"f"=t 1', [], { count: 1, reason: 'field type conflict: input field "\\"f\\"" on measurement "m\\u2028" is type boolean, already exists as type integer' }], // prettier-ignore
  ['m,Time=a "time"=1 1', ['m "time" x1'], undefined],
])('route lines: %j', (text, written, refused) => {
  const routed = route(text);
  expect({ written: routed.written, refused: routed.refused }).toEqual({ written, refused });
  expect(routed.pointCount).toBe(text.split('\n').length);
});

test('route lines: a refused point asks for no shard group, and one out of bounds is dropped before', () => {
  expect(route('m,time=a f=1 5000').unroutedNs).toEqual([]);
  const late = route('m,time=a f=1 10', { windowMaxNs: 5n });
  expect([late.refused, late.dropped?.windowCount]).toEqual([undefined, 1]);
});

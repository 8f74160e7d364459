import { expect, test } from 'vitest';
import { parseLines } from '../../models/line-protocol.ts';
import { decodePointBatch, seriesKeysOf, type PointBatch } from '../../models/point-batch.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { seriesKey } from '../../models/series-key.ts';
import { ingressStatistics } from './ingress-statistics.ts';
import { Ingress } from '../../storage/store/ingress.ts';

const place = { database: 'db0', retentionPolicy: 'rp0' };
/** Of the reference's own test, and a row with two fields that is refused. */
const lines = `cpu,host=server01 value=100 2
cpu,host=server01 value=100 3
cpu,host=server01 value=100 4
cpu,host=server02 value=100 5
cpu,host=server02 value=100 6
gpu,host=server02 value=100 6
gpu,host=server03 value=100,other=1 7`;

function batchOf(text: string): PointBatch {
  const builder = new PointBatchBuilder();
  const { points } = parseLines(Buffer.from(text), { stepNs: 1n, defaultTimeNs: 9n });
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return decodePointBatch(builder.finish());
}

test.each([
  [true, false, [[{ db: 'db0', measurement: 'cpu', rp: 'rp0' }, 5, 2, 5], [{ db: 'db0', measurement: 'gpu', rp: 'rp0' }, 1, 1, 1]]],
  [false, true, [[{ login: '_systemuser_unknown' }, 6, 3, 6]]],
  [true, true, [[{ db: 'db0', login: '_systemuser_unknown', measurement: 'cpu', rp: 'rp0' }, 5, 2, 5], [{ db: 'db0', login: '_systemuser_unknown', measurement: 'gpu', rp: 'rp0' }, 1, 1, 1]]],
])('ingress: by measurement %s, by login %s, as the reference counts; refused rows are not', (byMeasurement, byLogin, expected) => {
  const ingress = new Ingress({ byMeasurement, byLogin });
  const batch = batchOf(lines);
  const unknown = new Uint8Array(seriesKeysOf(batch).length).fill(1);
  ingress.add(undefined, place, { batch, rejects: Uint8Array.of(0b0100_0000), unknown });
  const said = ingressStatistics(ingress.list(), { byMeasurement, byLogin });
  expect(said.map(({ tags, values }) => [tags, values['pointsWritten'], values['seriesCreated'], values['valuesWritten']])).toEqual(expected);
}); // prettier-ignore

test('ingress: counts of workers are one, in the order of database, policy, measurement and login', () => {
  const [one, other] = [new Ingress({ byMeasurement: true, byLogin: true }), new Ingress({ byMeasurement: true, byLogin: true })]; // prettier-ignore
  const add = (to: Ingress, login: string, text: string): void => {
    to.add(login, place, { batch: batchOf(text), rejects: new Uint8Array(), unknown: undefined });
  };
  add(one, 'b', 'm v=1,w=2 1');
  add(other, 'b', 'm v=1 2');
  add(other, 'a', 'm v=1 3\nl v=1 3');
  const said = ingressStatistics([...one.list(), ...other.list()], { byMeasurement: true, byLogin: true }); // prettier-ignore
  expect(said.map(({ tags, values }) => [tags['measurement'], tags['login'], ...Object.values(values)])).toEqual([
    ['l', 'a', 1, 0, 1],
    ['m', 'a', 1, 0, 1],
    ['m', 'b', 2, 0, 3],
  ]); // prettier-ignore
});

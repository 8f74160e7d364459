import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import type { LevelPlan } from '../../query/plan/level-plan.ts';
import { KnownPlan, PreparedStatements } from './known-plans.ts';
import type { Place } from './select-places.ts';

function statementOf(text: string) {
  const [statement] = parseQuery(text);
  if (statement?.kind !== 'select') throw new Error('a SELECT');
  return statement;
}

function planOf(columnCount: number, nameCount = 1): LevelPlan {
  const names = Array.from({ length: nameCount }, () => ({}));
  const scan = { kind: 'windows', scan: { names } };
  const level = { columns: [], feeds: [scan] };
  const rows = { kind: 'rows', sources: [{ kind: 'subquery', level }, { kind: 'scan', scan: { names: [] } }] }; // prettier-ignore
  return { columns: Array.from({ length: columnCount }), feeds: [rows] } as unknown as LevelPlan;
}

const place = (schemas: Place['schemas']) => ({ schemas }) as Place;

test('prepared statements: found again by statement, place and catalog alone', () => {
  const kept = new PreparedStatements<string>();
  const statement = statementOf('SELECT v FROM m');
  const asked = { database: 'd', retentionPolicy: '', bucketsMax: 0 };
  const catalog = { ...emptyCatalog };
  kept.keep(statement, 'known', { asked, catalog });
  expect(kept.find(statement, { ...asked }, catalog)).toBe('known');
  expect(kept.find(statementOf('SELECT v FROM m'), asked, catalog)).toBeUndefined();
  expect(kept.find(statement, asked, { ...catalog })).toBe('known');
  expect(kept.find(statement, asked, { ...catalog, index: 1 })).toBeUndefined();
  expect(kept.find(statement, asked, { ...catalog, clusterId: 1n })).toBeUndefined();
  for (const other of [{ database: 'e' }, { retentionPolicy: 'p' }, { bucketsMax: 1 }])
    expect(kept.find(statement, { ...asked, ...other }, catalog)).toBeUndefined();
});

test('known plan: as long as all schemas are the very ones', () => {
  const known = new KnownPlan();
  const schemas = [[], []];
  const places = schemas.map(place);
  expect(known.find(places)).toBeUndefined();
  const plan = planOf(1);
  known.keep(places, plan);
  expect(known.find(schemas.map(place))).toBe(plan);
  expect(known.find([place(schemas[0] ?? []), place([])])).toBeUndefined();
  expect(known.find(places.slice(1))).toBeUndefined();
});

test.each([
  [planOf(64, 16), true],
  [planOf(65), false],
  [planOf(1, 17), false],
])('known plan: those of many columns or measurements are not kept', (plan, isKept) => {
  const known = new KnownPlan();
  const places = [place([])];
  known.keep(places, plan);
  expect(known.find(places)).toBe(isKept ? plan : undefined);
});

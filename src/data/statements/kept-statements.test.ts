import { expect, test } from 'vitest';
import { errorText } from '../../base/errors.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { applyCommand } from '../../meta/model/apply.ts';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import { refuseContinuousQuery, refuseSubscription } from './kept-statements.ts';

const made = { id: '1', command: { kind: 'create-database', name: 'd' } };
const { catalog } = applyCommand(emptyCatalog, 1, made);

function said(text: string, database = ''): string {
  const [statement] = parseQuery(text);
  try {
    if (statement?.kind === 'create-continuous-query')
      refuseContinuousQuery(statement, catalog, database);
    if (statement?.kind === 'create-subscription') refuseSubscription(statement, catalog);
    if (statement?.kind === 'drop-subscription') refuseSubscription(statement, catalog);
    return '';
  } catch (error) {
    return errorText(error);
  }
}

test('continuous queries: what is missing is told before that none can be kept', () => {
  const query = (database: string, target: string, source: string) =>
    said(
      `CREATE CONTINUOUS QUERY q ON ${database} BEGIN SELECT v INTO ${target} FROM ${source} END`,
    );
  expect(query('none', 'x', 'm')).toBe('database not found: none');
  expect(query('d', 'rp.x', 'm')).toBe('retention policy not found: d.rp');
  expect(query('d', 'x', 'none..m')).toBe('database not found: none');
  expect(query('d', 'x', '(SELECT v FROM rp.m)')).toBe('retention policy not found: d.rp');
  expect(query('d', 'x', 'm')).toContain('not supported in this version');
  const text = 'CREATE CONTINUOUS QUERY q ON none BEGIN SELECT v INTO rp.x FROM m END';
  expect(said(text, 'd')).toBe('retention policy not found: d.rp');
  expect(said(text.replace('rp.x', 'x'), 'd')).toBe('database not found: none');
});

test('subscriptions: the database, the policy, then that there is none', () => {
  expect(said('DROP SUBSCRIPTION s ON none.rp')).toBe('database not found: none');
  expect(said('DROP SUBSCRIPTION s ON d.rp')).toBe('retention policy not found: rp');
  expect(said('DROP SUBSCRIPTION s ON d.autogen')).toBe('subscription not found');
  const create = (place: string) => said(`CREATE SUBSCRIPTION s ON ${place} DESTINATIONS ALL 'http://h:1'`); // prettier-ignore
  expect(create('none.rp')).toBe('database not found: none');
  expect(create('d.autogen')).toContain('not supported in this version');
});

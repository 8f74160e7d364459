import { expect, test } from 'vitest';
import { parseQuery } from '../../../influxql/parser.ts';
import { emptyCatalog } from '../../../meta/model/catalog.ts';
import { QueryLog } from './query-log.ts';

test('query log: an address of a subscription is shown without its password', () => {
  const lines: unknown[] = [];
  const log = { info: (_text: string, fields?: object) => lines.push(fields) };
  const meta = { catalog: emptyCatalog } as unknown as ConstructorParameters<typeof QueryLog>[0]['meta']; // prettier-ignore
  const queryLog = new QueryLog({ log, meta });
  const text = `CREATE SUBSCRIPTION s ON d.r DESTINATIONS ALL 'http://u:secret@h:1'`;
  const [statement] = parseQuery(text);
  const { signal } = new AbortController();
  if (statement !== undefined)
    queryLog.note(statement, 0, { database: 'd', retentionPolicy: '', signal });
  expect(lines).toEqual([
    { query: "CREATE SUBSCRIPTION s ON d.r DESTINATIONS ALL 'http://u:[REDACTED]@h:1'" },
  ]);
});

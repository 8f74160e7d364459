/**
 * Records how the reference prints the statements of src/influxql/testdata/printed-statements.txt: a GET of a statement
 * that changes something answers with a warning that holds its text. `node test/golden/record-printed.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';

const folder = join(import.meta.dirname, '../../src/influxql/testdata');
const queries = readFileSync(join(folder, 'printed-statements.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const server = await ReferenceServer.start();
const lines: string[] = [];

/** Only a statement that succeeds is warned of: give each a world in which it does. */
async function prepare(query: string): Promise<void> {
  const steps = ['CREATE DATABASE none', 'CREATE DATABASE db', 'DROP DATABASE x', 'DROP USER u'];
  steps.push('CREATE RETENTION POLICY rp ON db DURATION INF REPLICATION 1');
  if (!query.startsWith('CREATE DATABASE')) steps.push('CREATE DATABASE x');
  if (!/^CREATE (RETENTION|DATABASE)/.test(query))
    steps.push('CREATE RETENTION POLICY p ON x DURATION INF REPLICATION 1');
  if (query.startsWith('DROP SUBSCRIPTION'))
    steps.push("CREATE SUBSCRIPTION s ON x.p DESTINATIONS ALL 'udp://127.0.0.1:1'");
  if (!query.startsWith('CREATE USER')) steps.push("CREATE USER u WITH PASSWORD 'p'");
  for (const q of steps) await server.query({ q });
}

for (const query of queries) {
  await prepare(query);
  const url = `${server.url}/query?db=none&q=${encodeURIComponent(query)}`;
  const answer = await (await fetch(url)).text();
  const found = /deprecated use of '(.*)' in a read only context/.exec(
    (JSON.parse(answer) as { results?: { messages?: { text: string }[] }[] }).results?.[0]
      ?.messages?.[0]?.text ?? '',
  );
  if (found === null) process.stderr.write(`no warning: ${query}: ${answer}`);
  else lines.push(JSON.stringify({ query, printed: found[1] }));
}
await server.stop();
writeFileSync(join(folder, 'printed.jsonl'), `${lines.join('\n')}\n`);

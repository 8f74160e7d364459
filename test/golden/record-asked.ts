/**
 * Adds statements to testdata/asked-again.jsonl with the answers of a real influxd 1.12.4, which is asked all of them:
 * `node test/golden/record-asked.ts INFLUXD < FILE`. A line is a statement, or an object of `q`, `more` and `accept`.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { ReferenceServer } from '../support/reference-server.ts';
import { askAgain, askedPath, readAsked, type Asked } from './asked-again.ts';

const { head, asked } = readAsked();
const added = readFileSync(0, 'utf8').split('\n').filter((line) => line !== '').map(readLine); // prettier-ignore
const known = new Set(asked.map(keyOf));
const all = [...asked, ...added.filter((one) => !known.has(keyOf(one)))];
const server = await ReferenceServer.start(process.argv[2], '  index-version = "tsi1"');
try {
  const answers = await askAgain(server.url, head, all);
  for (const [i, { q, answer }] of answers.entries()) {
    const kept = asked[i];
    if (kept === undefined) appendFileSync(askedPath, `${JSON.stringify(answers[i])}\n`);
    else if (kept.answer !== answer)
      process.stdout.write(`${q} is answered otherwise: ${answer}\n`);
  }
} finally {
  await server.stop();
}

function readLine(line: string): Omit<Asked, 'answer'> {
  return line.startsWith('{') ? (JSON.parse(line) as Omit<Asked, 'answer'>) : { q: line };
}

function keyOf({ q, more = {}, accept = '' }: Omit<Asked, 'answer'>): string {
  return JSON.stringify([q, more, accept]);
}

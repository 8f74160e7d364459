/**
 * Records what the reference stores of what listeners are sent, to test/golden/testdata/listeners.jsonl. Run with the path of a
 * real influxd 1.12.4 and the first of some free ports: `node test/golden/record-listeners.ts PATH PORT`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReferenceServer } from '../support/reference-server.ts';
import { answerOf, listenerCases, sectionsOf, sendCase } from './listener-cases.ts';

const portFirst = Number(process.argv[3]);
const server = await ReferenceServer.start(
  process.argv[2],
  '',
  sectionsOf(listenerCases, portFirst),
);
const recorded: string[] = [];
try {
  for (const [i, one] of listenerCases.entries()) {
    await sendCase(one, portFirst + i, () => sleep(5));
    await sleep(1_100);
    const query = (q: string, db: string) => server.query({ q, db, epoch: 'ns' });
    recorded.push(JSON.stringify(await answerOf(one, `127.0.0.1:${portFirst + i}`, query)));
  }
} finally {
  await server.stop();
}
writeFileSync(join(import.meta.dirname, 'testdata/listeners.jsonl'), `${recorded.join('\n')}\n`);

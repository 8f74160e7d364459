/**
 * Records the reference's answers to the requests of requests/program-requests.ts, in their order on a new server.
 * Run with a real influxd 1.12.4: `node test/golden/record-programs.ts /path/to/influxd`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';
import { prepareServer } from './requests/all-requests.ts';
import { sendRequest } from './requests/http-request.ts';
import { programRequests } from './requests/program-requests.ts';

const server = await ReferenceServer.start(process.argv[2]);
await prepareServer(server.url);
const lines: string[] = [];
for (const request of programRequests)
  lines.push(JSON.stringify(await sendRequest(server.url, request)));
await server.stop();
writeFileSync(join(import.meta.dirname, 'testdata/programs.jsonl'), `${lines.join('\n')}\n`);

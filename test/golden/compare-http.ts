/**
 * Sends the requests of test/golden/requests to a new node of ours and prints how its answers differ from the recorded
 * ones: `node test/golden/compare-http.ts`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOneNode } from '../support/one-node.ts';
import { recordedAnswers } from './requests/recorded-answers.ts';
import { allRequests, prepareServer } from './requests/all-requests.ts';
import { expectedAnswer } from './requests/deviations.ts';
import { sendRequest } from './requests/http-request.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-compare-'));
const node = await startOneNode(folder, { workerCount: 2 });
await prepareServer(node.url);
const recorded = recordedAnswers();
let differing = 0;
for (const [i, request] of allRequests.entries()) {
  const answer = JSON.stringify(await sendRequest(node.url, request));
  const wanted = JSON.stringify(expectedAnswer(request, recorded[i]!));
  if (answer === wanted) continue;
  differing++;
  const { method, path, headers, body } = request;
  const what = `${method} ${decodeURIComponent(path.replaceAll('%zz', ''))} ${JSON.stringify(headers ?? {})}`;
  console.log(
    `#${i} ${what} ${JSON.stringify(body ?? '').slice(0, 200)}\n  want ${wanted}\n  have ${answer}`,
  );
}
console.log(`${differing} of ${allRequests.length} differ`);
await node.close();
rmSync(folder, { recursive: true });

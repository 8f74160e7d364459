import { datasetLines } from '../query-dataset.ts';
import { grammarRequests } from './grammar-requests.ts';
import { sendRequest, type HttpRequest } from './http-request.ts';
import { queryRequests } from './query-requests.ts';
import { showRequests } from './show-requests.ts';
import { writeRequests } from './write-requests.ts';

/** In the order in which they are sent; line i of testdata/http.jsonl has the answer to request i. */
export const allRequests: readonly HttpRequest[] = [
  ...queryRequests,
  ...showRequests,
  ...writeRequests,
  ...grammarRequests,
];

/** The world that the requests expect. */
export async function prepareServer(url: string): Promise<void> {
  const create = 'CREATE DATABASE golden WITH DURATION INF SHARD DURATION 520w';
  const steps: readonly HttpRequest[] = [
    { method: 'POST', path: `/query?q=${encodeURIComponent(create)}` },
    { method: 'POST', path: '/write?db=golden', body: datasetLines() },
  ];
  for (const step of steps) {
    const { status, body } = await sendRequest(url, step);
    if (status >= 300 || body.includes('"error"')) throw new Error(`${step.path}: ${body}`);
  }
}

import { expect, test } from 'vitest';
import { DbError, errorText } from '../../base/errors.ts';
import { ReplacedWatch, type ReplacedWatchPorts } from './replaced-watch.ts';

const own = { tcpAddress: 'old:8088', httpAddress: 'old:8086' };
const other = { cluster: 'same', nodeId: 4, httpAddress: 'new:8086' };

/** What a process that is node 4 does where the catalog has it at `listed`, and `status` is what is said there. */
async function told(listed: object, status?: object): Promise<readonly string[]> {
  const fatal: string[] = [];
  const dataNodes = [{ id: 4, tcpAddress: 'new:8088', httpAddress: 'new:8086', ...listed }];
  const meta = { isJoined: true, nodeId: 4, clusterId: 7n, catalog: { dataNodes } };
  const call = () =>
    status === undefined
      ? Promise.reject(new DbError('unavailable', 'nobody'))
      : Promise.resolve(status);
  const ports = { meta, rpc: { call }, onFatal: (error: unknown) => fatal.push(errorText(error)) };
  await new ReplacedWatch(ports as unknown as ReplacedWatchPorts, own).look();
  return fatal;
}

test('replaced watch: a process stops once another one is its node', async () => {
  expect(await told({}, other)).toEqual(['data node 4 is new:8088 by now: this process was replaced, and stops']); // prettier-ignore
});

test.each([
  ['its own address is listed', { tcpAddress: 'OLD:8088' }, other],
  ['another name of its own is listed', { tcpAddress: 'alias:8088', httpAddress: 'old:8086' }, other], // prettier-ignore
  ['it was renamed, and nobody is at its old name', {}, undefined],
  ['it was renamed, and is found by its old name', {}, { ...other, httpAddress: 'old:8086' }],
  ['the new process is not told yet', {}, { ...other, cluster: 'none', nodeId: 0 }],
  ['another node is there', {}, { ...other, nodeId: 5 }],
  ['one of another cluster is there', {}, { ...other, cluster: 'other' }],
  ['it is not of the cluster any more', { id: 5 }, other],
] as const)('replaced watch: it goes on where %s', async (_, listed, status) => {
  expect(await told(listed, status)).toEqual([]);
});

test('replaced watch: it stops as soon as the new process is told what it is, and says so once', async () => {
  const fatal: string[] = [];
  const answers = [{ ...other, cluster: 'none', nodeId: 0 }, { ...other, cluster: 'none' }, other];
  const dataNodes = [{ id: 4, tcpAddress: 'new:8088', httpAddress: 'new:8086' }];
  const meta = { isJoined: true, nodeId: 4, clusterId: 7n, catalog: { dataNodes } };
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, sleep: (ms: number) => Promise.resolve(void (nowMs += ms)) }; // prettier-ignore
  const rpc = { call: () => Promise.resolve(answers.shift() ?? other) };
  const ports = { clock, meta, rpc, onFatal: (error: unknown) => fatal.push(errorText(error)) };
  const watch = new ReplacedWatch(ports as unknown as ReplacedWatchPorts, own);
  await watch.follow();
  expect([fatal.length, nowMs]).toEqual([1, 200]);
  await watch.follow();
  expect(fatal.length).toBe(1);
});

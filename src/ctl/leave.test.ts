import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { leave } from './leave.ts';
import type { MetaCaller } from './meta-http.ts';

type Answers = Readonly<Record<string, unknown>>;

/** Nodes by address; an address that is not there refuses the connection. */
function callerOf(answers: Answers, bind = ''): MetaCaller {
  const answer = (path: string): Promise<unknown> => {
    const found = answers[`${bind}${path}`];
    if (found instanceof Error) return Promise.reject(found);
    if (found !== undefined) return Promise.resolve(found);
    return Promise.reject(new DbError('unavailable', 'operation timed out with error: refused'));
  };
  return { get: answer, post: answer, at: (address) => callerOf(answers, address) };
}

async function run(answers: Answers, typed: readonly string[], ...args: readonly string[]) {
  let out = '';
  const lines = [...typed];
  const readLine = (): Promise<string> => {
    out += '\n';
    return Promise.resolve(lines.shift() ?? '');
  };
  await leave(args, { out: (text) => (out += text), err: () => '', readLine, meta: callerOf(answers), hostname: 'h' }); // prettier-ignore
  return out;
}

const joined = {
  'h:8088/status': { nodeType: 'data', nodeStatus: 'joined', tcpAddr: 'h:8088' },
  'h:8091/status': { nodeType: 'meta', leader: 'm:8089' },
  '/remove-data': {},
  'h:8091/leave': {},
};

test('leave: asks for each node, and says what went', async () => {
  expect(await run(joined, ['y', 'y'])).toBe(`Searching for data node on h:8088...
Remove data node h:8088 from the cluster [y/N]: 
Removed h:8088 from the cluster
Searching for meta node on h:8091...
Remove meta node h:8091 from the cluster [y/N]: 

Successfully left cluster

  * Removed data node h:8088 from cluster
  * Removed meta node h:8091 from cluster
`);
});

test('leave: with -y nobody is asked; a node that is not there or of no cluster stays', async () => {
  const alone = { 'h:8091/status': { nodeType: 'meta', leader: '', peers: null } };
  expect(await run(alone, [], '-y')).toBe(`Searching for data node on h:8088...
Searching for meta node on h:8091...

No nodes removed from cluster.

  * No data node found.
  * Meta node at h:8091 is not part of a cluster
`);
});

test('leave: a no and a failure are told, and the other node goes all the same', async () => {
  const failing = { ...joined, 'h:8091/leave': new DbError('conflict', 'operation exited with error: it is the last') }; // prettier-ignore
  expect(await run(failing, ['n', 'y'])).toMatch(/\n\nNo nodes removed from cluster\.\n\n {2}\* No data node removed from cluster\n {2}\* Operation exited with error: it is the last\n$/); // prettier-ignore
});

test('leave: where no meta node is on this machine, one of those that the data node knows takes it out', async () => {
  const refused = (at: string) =>
    new DbError('unavailable', `operation timed out with error: Post "http://${at}/remove-data": dial tcp ${at}: connect: connection refused`); // prettier-ignore
  const data = {
    'h:8088/status': { ...joined['h:8088/status'], metaAddrs: ['m1:8091', 'm2:8091', 'm3:8091'] },
    '/remove-data': refused('localhost:8091'),
    'm1:8091/remove-data': refused('m1:8091'),
    'm2:8091/remove-data': {},
  };
  expect(await run(data, [], '-y')).toContain('  * Removed data node h:8088 from cluster\n');
  const late = new DbError('unavailable', 'operation timed out with error: Post "http://m1:8091/remove-data": context deadline exceeded'); // prettier-ignore
  expect(await run({ ...data, 'm1:8091/remove-data': late }, [], '-y')).toContain('  * Operation timed out with error: Post "http://m1:8091/'); // prettier-ignore
  const none = { ...data, 'm2:8091/remove-data': refused('m2:8091'), 'm3:8091/remove-data': refused('m3:8091') }; // prettier-ignore
  expect(await run(none, [], '-y')).toContain('  * Operation timed out with error: Post "http://localhost:8091/'); // prettier-ignore
});

import type { Env } from '../../../src/env/env.ts';
import { clockContract } from '../../support/contract/clock.ts';
import { createContractEngine } from '../../support/contract/contract-engine.ts';
import { diskContract } from '../../support/contract/disk.ts';
import { engineHostContract } from '../../support/contract/engine-host.ts';
import { inboundContract } from '../../support/contract/inbound.ts';
import { jobsContract } from '../../support/contract/jobs.ts';
import { kvStoreContract } from '../../support/contract/kv-store.ts';
import { logContract } from '../../support/contract/log.ts';
import { randomContract } from '../../support/contract/random.ts';
import { rpcTransportContract } from '../../support/contract/rpc-transport.ts';
import { World } from './world.ts';

/** Runs the body on one node, its clock a little fast so that no one relies on world time. */
function onNode(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const node = world.addNode('a', { skewMs: 700, driftPpm: 100 });
  return world.complete(body(node.env));
}

clockContract('sim clock', onNode);
randomContract('sim random', onNode);
diskContract('sim disk', (body) =>
  onNode(async ({ disk }) => {
    await disk.makeDir('data/x');
    await body({ disk, dir: 'data/x' });
  }),
);
kvStoreContract('sim kv', (body) => onNode(({ kv }) => body({ kv, path: 'raft/kv' })));
jobsContract('sim jobs', onNode);
logContract('sim log', (body) => {
  const lines: string[] = [];
  const world = new World(1, { onTrace: (line) => lines.push(line) });
  const { log } = world.addNode('a').env;
  return world.complete(body({ log, logged: () => lines.filter((line) => line.includes('log a/')) })); // prettier-ignore
});

engineHostContract('sim engine host', (body) => {
  const lines: string[] = [];
  const world = new World(1, { onTrace: (line) => lines.push(line) });
  const { env } = world.addNode('a', { engineFactory: createContractEngine });
  return world.complete(body({ engines: env.engines, clock: env.clock, logged: () => lines }));
});

rpcTransportContract('sim transport', (body) => {
  const world = new World(1);
  const server = world.addNode('server');
  const client = world.addNode('client');
  const httpGet = async (
    address: string,
    path: string,
  ): Promise<{ status: number; contentType: string; body: string }> => {
    await Promise.resolve();
    const got = world.httpGet(address, path);
    return got === undefined ? { status: 404, contentType: '', body: '' } : { status: 200, ...got };
  };
  return world.complete(
    body({
      server: server.env.transport,
      client: client.env.transport,
      clock: client.env.clock,
      address: 'server:0',
      httpGet,
    }),
    200_000,
  );
});

inboundContract('sim inbound', (body) => {
  const world = new World(1);
  const { env } = world.addNode('a');
  return world.complete(
    body({
      inbound: env.inbound,
      clock: env.clock,
      bind: ':2003',
      sendDatagram: (bind, bytes) => {
        world.doors.sendDatagram('a', bind, bytes);
      },
      connect: (bind) => {
        const sender = world.doors.connect('a', bind);
        if (sender === undefined) throw new Error('nobody listens');
        return sender;
      },
    }),
  );
});

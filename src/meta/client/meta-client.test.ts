import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { must } from '../../base/assert.ts';
import { encodeMessage } from '../../rpc/message.ts';
import { MetaClient } from './meta-client.ts';

test.each([
  ['empty', new Uint8Array()],
  ['of zeros', new Uint8Array(64)],
  ['cut short', encodeMessage({ nodeId: 4, clusterId: 7n, metaAddresses: [] }).subarray(0, 20)],
])(
  'meta client: an identity that is %s stops the node with the name of its file',
  async (_what, bytes) => {
    const world = new World(1);
    world.addNode('d1');
    const { env } = must(world.nodes[0], 'd1');
    await world.complete(env.disk.makeDir('meta'));
    await world.complete(env.disk.replaceFile('meta/identity', bytes));
    await expect(world.complete(MetaClient.open(env, 'meta'))).rejects.toThrow(/^meta\/identity: message: .*: put back a copy, or remove it/); // prettier-ignore
  },
);

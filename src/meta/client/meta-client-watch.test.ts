import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import type { RpcOptions } from '../../env/transport.ts';
import { applyCommand } from '../apply/apply.ts';
import { encodeCatalog } from '../codec/catalog-codec.ts';
import { encodeLogged } from '../codec/command-codec.ts';
import type { Command } from '../command/command.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { writeIdentity } from './identity-file.ts';
import { MetaClient } from './meta-client.ts';
import { executeMethod, watchMethod, type WatchReply } from './meta-methods.ts';

const clusterId = 7n;

function after(catalog: Catalog, ...commands: readonly Command[]): Catalog {
  return commands.reduce(
    (one, command) => applyCommand(one, one.index + 1, { id: `${one.index}`, command }).catalog,
    catalog,
  );
}

function wholeOf(catalog: Catalog): WatchReply {
  return { catalog: encodeCatalog(catalog) };
}

test.each([
  ['that it refuses', { kind: 'drop-user', name: 'ann' } as const],
  ['that is none', { kind: 'drop-user', name: 5 } as unknown as Command],
])(
  'meta client: a copy that is given a change %s fetches the whole anew',
  async (_what, command) => {
    const world = new World(1);
    const { env } = world.addNode('d1');
    await world.complete(env.disk.makeDir('meta'));
    await world.complete(writeIdentity(env.disk, 'meta', { nodeId: 4, clusterId, metaAddresses: ['m1:8089'] })); // prettier-ignore
    const made = after({ ...emptyCatalog, clusterId }, { kind: 'create-database', name: 'a' });
    const metas = after(made, { kind: 'create-database', name: 'b' });
    const change = { index: made.index + 1, command: encodeLogged({ id: 'x', command }, 'json') };
    const step = { fromIndex: made.index, toIndex: change.index, changes: [change] };
    const asked: number[] = [];
    const transport = {
      ...env.transport,
      async *stream(_address: string, _path: string, request: Uint8Array) {
        const { index } = watchMethod.request.decode(request);
        asked.push(index);
        await Promise.resolve();
        // It has had no user of that name, and the meta node had one.
        const reply = index === made.index ? { step } : wholeOf(asked.length === 1 ? made : metas);
        yield watchMethod.reply.encode(reply);
      },
    };
    const client = await world.complete(MetaClient.open({ ...env, transport }, 'meta'));
    await world.complete(client.reach(metas.index));
    expect(client.catalog.databases.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(asked.slice(0, 3)).toEqual([0, made.index, 0]);
    await world.complete(client.close());
  },
);

test('meta client: a meta node that shows life and has not what another one has told of is left for the next one', async () => {
  const world = new World(1);
  const { env } = world.addNode('d1');
  await world.complete(env.disk.makeDir('meta'));
  await world.complete(writeIdentity(env.disk, 'meta', { nodeId: 4, clusterId, metaAddresses: ['m1:8089', 'm2:8089'] })); // prettier-ignore
  const made = after({ ...emptyCatalog, clusterId }, { kind: 'create-database', name: 'a' });
  const metas = after(made, { kind: 'create-database', name: 'b' });
  let still = '';
  const transport = {
    ...env.transport,
    async *stream(address: string, _path: string, request: Uint8Array, { signal }: RpcOptions) {
      // The one that is asked first stands still.
      still ||= address;
      const { index } = watchMethod.request.decode(request);
      const catalog = address === still ? made : metas;
      if (index < catalog.index) yield watchMethod.reply.encode(wholeOf(catalog));
      while (signal?.aborted === false) {
        yield watchMethod.reply.encode({});
        await env.clock.sleep(2_000);
      }
    },
    call: () => {
      const answer = { ok: true } as const;
      return Promise.resolve(executeMethod.reply.encode({ kind: 'executed', answer, index: metas.index })); // prettier-ignore
    },
  };
  const client = await world.complete(MetaClient.open({ ...env, transport }, 'meta'));
  await world.complete(client.reach(made.index));
  await world.complete(client.execute({ kind: 'create-database', name: 'b' }));
  expect(client.catalog.databases.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(world.nowMs).toBeLessThan(8_000);
  await world.complete(client.close());
});

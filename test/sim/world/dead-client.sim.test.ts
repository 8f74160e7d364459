import { expect, test } from 'vitest';
import { World } from './world.ts';

test('sim transport: a server gets to know that the client of a stream is dead, also one that died before its request came', async () => {
  const world = new World(1);
  const server = world.addNode('server');
  const client = world.addNode('client');
  const ended: string[] = [];
  await world.complete(
    server.env.transport.listen('server:1', {
      admit: () => ({ kind: 'stream', requestBytesMax: 100, isTrusted: true }),
      call: () => Promise.reject(new Error('only streams are asked for')),
      async *stream(method, _request, { signal }) {
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
        ended.push(method);
        yield new Uint8Array();
      },
    }),
  );
  world.network.clog('client', 'server', 200);
  const read = async (): Promise<void> => {
    const stream = client.env.transport.stream('server:1', '/late', new Uint8Array(), { deadlineMs: 60_000 }); // prettier-ignore
    for await (const _ of stream) expect.fail();
  };
  world.spawn(client, read);
  await world.run(world.nowMs + 100);
  client.crash();
  await world.run(world.nowMs + 60_000);
  expect(ended).toEqual(['/late']);
});

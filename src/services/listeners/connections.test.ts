import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { Connections } from './connections.ts';

/** A listener in a world of its own, and senders that connect to it. */
class Setting {
  readonly world = new World(1);
  readonly taken: string[] = [];
  readonly tells: (() => void)[] = [];
  hasRoom = true;
  connections: Connections | undefined;

  async open(countMax?: number): Promise<this> {
    const { clock, inbound } = this.world.addNode('a').env;
    const batcher = {
      hasRoom: true,
      whenRoom: (tell: () => void) => this.tells.push(tell),
    };
    Object.defineProperty(batcher, 'hasRoom', { get: () => this.hasRoom });
    const opening = Connections.open(
      { clock, inbound, batcher },
      { bind: ':2003', ...(countMax !== undefined && { countMax }) },
      (connection) => ({
        took: (bytes) => this.taken.push(Buffer.from(bytes).toString()),
        ended: () => {
          connection.destroy();
        },
        closed: () => undefined,
      }),
    );
    this.connections = await this.world.complete(opening);
    return this;
  }

  connect() {
    const sender = this.world.doors.connect('a', ':2003');
    if (sender === undefined) throw new Error('nobody listens');
    return sender;
  }

  async send(sender: ReturnType<Setting['connect']>, text: string): Promise<void> {
    sender.send(Buffer.from(text));
    await this.pass();
  }

  pass(): Promise<void> {
    return this.world.run(this.world.nowMs + 10);
  }
}

test('connections: those that are open and those that were are counted', async () => {
  const setting = await new Setting().open();
  const [first, second] = [setting.connect(), setting.connect()];
  await setting.send(first, 'a');
  second.end();
  await setting.pass();
  const { connections } = setting;
  expect([connections?.activeCount, connections?.handledCount]).toEqual([1, 2]);
  expect(connections?.list().map(({ connection }) => connection.remote)).toEqual(['sender:1']);
});

test('connections: beyond the limit the one that was silent for the longest makes room', async () => {
  const setting = await new Setting().open(2);
  const [busy, silent] = [setting.connect(), setting.connect()];
  await setting.send(busy, 'a');
  const late = setting.connect();
  await setting.pass();
  expect([busy.isClosed, silent.isClosed, late.isClosed]).toEqual([false, true, false]);
  expect(setting.connections?.activeCount).toBe(2);
});

test('connections: all senders wait while there is no room, also one that has just come, and go on after', async () => {
  const setting = await new Setting().open();
  const [first, second] = [setting.connect(), setting.connect()];
  setting.hasRoom = false;
  await setting.send(first, 'one');
  const third = setting.connect();
  for (const sender of [first, second, third]) await setting.send(sender, 'more');
  expect(setting.taken).toEqual(['one']);
  expect([first.waitingCount, second.waitingCount, third.waitingCount]).toEqual([1, 1, 1]);
  setting.hasRoom = true;
  for (const tell of setting.tells.splice(0)) tell();
  await setting.pass();
  expect(setting.taken).toEqual(['one', 'more', 'more', 'more']);
});

test('connections: a stop ends them, and takes nothing more', async () => {
  const setting = await new Setting().open();
  const sender = setting.connect();
  sender.send(Buffer.from('late'));
  await setting.world.complete(setting.connections?.close() ?? Promise.resolve());
  await setting.pass();
  expect([sender.isClosed, setting.taken]).toEqual([true, []]);
  expect(setting.world.doors.connect('a', ':2003')).toBe(undefined);
});

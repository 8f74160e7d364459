import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const cluster = new DevCluster(17_300, '--metas', '1', '--data', '2');
const limitMs = 120_000;

/** A subscriber as Kapacitor is one: HTTP and UDP on ports of its own. */
class Receiver {
  readonly got: string[] = [];
  /** Of `untilForwarded`, however late they come. */
  readonly warm: string[] = [];
  status = 204;
  readonly #server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      this.#take(`${request.url} ${Buffer.concat(parts).toString()}`);
      response.writeHead(this.status).end();
    });
  });
  readonly #socket = createSocket('udp4').on('message', (part) =>
    this.#take(`udp ${part.toString()}`),
  );

  #take(text: string): void {
    (text.includes('warm f=') ? this.warm : this.got).push(text);
  }

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    this.#socket.bind(0, '127.0.0.1');
    await Promise.all([once(this.#server, 'listening'), once(this.#socket, 'listening')]);
    return this;
  }

  get http(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get udp(): string {
    return `udp://127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#socket.close();
  }
}

const receivers: Receiver[] = [];

beforeAll(async () => {
  await cluster.start();
  for (let i = 0; i < 2; i++) receivers.push(await new Receiver().open());
}, limitMs);
afterAll(async () => {
  for (const receiver of receivers) receiver.close();
  await cluster.stop();
}, limitMs);

/** So much, and not more. */
async function arrived(receiver: Receiver, count: number): Promise<void> {
  await eventually(() => {
    if (receiver.got.length < count) throw new Error(`${receiver.got.length} came, not ${count}`);
    return Promise.resolve();
  }, 20_000);
  expect(receiver.got).toHaveLength(count);
}

/** Each node hears of a subscription by itself: written until the first write of each was forwarded. */
async function untilForwarded(receiver: Receiver): Promise<void> {
  for (const number of [1, 2])
    await eventually(async () => {
      await cluster.write(number, `warm f=${number} 1`, 'one');
      expect(receiver.warm.join()).toContain(`warm f=${number}`);
    }, 20_000);
  receiver.warm.length = 0;
}

test(
  'subscriptions: what Kapacitor does when it starts, and what it gets then',
  async () => {
    const [kapacitor] = receivers as [Receiver];
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2');
    const ping = await fetch(`${cluster.url('data', 1)}/ping`);
    expect([ping.status, ping.headers.get('x-influxdb-version')]).toEqual([
      204,
      expect.stringContaining('1.12'),
    ]);
    expect(await cluster.values(1, 'SHOW DATABASES')).toContainEqual(['d']);
    const show = 'SHOW SUBSCRIPTIONS';
    expect(await cluster.values(1, show)).toEqual([]);
    const create = `CREATE SUBSCRIPTION "kapacitor-1" ON "d"."autogen" DESTINATIONS ANY '${kapacitor.http}'`;
    expect(await cluster.query(1, create)).toBe('{"results":[{"statement_id":0}]}\n');
    expect(await cluster.values(1, show)).toEqual([
      ['autogen', 'kapacitor-1', 'ANY', [kapacitor.http]],
    ]);
    await untilForwarded(kapacitor);
    // Through either node, to two owners each: once.
    await cluster.write(1, 'm,b=2,a=1 f=1.0,s="x y" 10\nm f=2 20', 'all');
    await cluster.write(2, 'm f=3 30', 'all');
    await cluster.query(2, 'SELECT f INTO copy FROM m WHERE time = 30');
    await arrived(kapacitor, 3);
    const to = '/write?consistency=&db=d&precision=ns&rp=autogen';
    expect([...kapacitor.got].sort()).toEqual([
      `${to} copy f=3 30\n`,
      `${to} m f=3 30\n`,
      `${to} m,a=1,b=2 f=1.0,s="x y" 10\nm f=2 20\n`,
    ]);
    await cluster.query(1, 'DROP SUBSCRIPTION "kapacitor-1" ON "d"."autogen"');
    expect(await cluster.values(1, show)).toEqual([]);
  },
  limitMs,
);

test(
  'subscriptions: ALL reaches HTTP and UDP; a receiver that is away holds up no writer',
  async () => {
    const [first, second] = receivers as [Receiver, Receiver];
    for (const receiver of receivers) receiver.got.length = 0;
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2');
    await cluster.query(
      1,
      `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '${first.http}', '${second.udp}', 'http://127.0.0.1:9'`,
    );
    await untilForwarded(second);
    for (let i = 0; i < 50; i++)
      expect(await cluster.write(1, `m f=${i} ${i}\nn f=${i} ${i}`, 'all')).toBe('204');
    await arrived(first, 50);
    await arrived(second, 100);
    expect(new Set(second.got)).toContain('udp n f=49 49');
    const stats = await cluster.query(1, "SHOW STATS FOR 'subscriber'");
    expect(stats).toContain('http://127.0.0.1:9');
    await cluster.query(1, 'DROP DATABASE d');
    await eventually(async () => {
      expect(await cluster.query(1, "SHOW STATS FOR 'subscriber'")).not.toContain('destination');
    }, 20_000);
  },
  limitMs,
);

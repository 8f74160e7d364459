import { expect, test } from 'vitest';
import { DbError } from '../../../src/base/errors.ts';
import type { Clock } from '../../../src/env/clock.ts';
import type { ConnectionReader, Inbound, InboundConnection } from '../../../src/env/inbound.ts';
import type { Run } from './harness.ts';

export interface Sender {
  send(bytes: Uint8Array): void;
  end(): void;
}

interface InboundPorts {
  readonly inbound: Inbound;
  readonly clock: Clock;
  /** A port of the machine that is free. */
  readonly bind: string;
  readonly sendDatagram: (bind: string, bytes: Uint8Array) => void;
  readonly connect: (bind: string) => Sender;
}

class Heard implements ConnectionReader {
  text = '';
  readonly events: string[] = [];
  connection: InboundConnection | undefined;

  took(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString('latin1');
  }

  ended(): void {
    this.events.push('ended');
    this.connection?.end();
  }

  closed(): void {
    this.events.push('closed');
  }
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');

export function inboundContract(name: string, run: Run<InboundPorts>): void {
  const until = async (clock: Clock, isSo: () => boolean): Promise<void> => {
    for (let i = 0; i < 1_000 && !isSo(); i++) await clock.sleep(5);
    expect(isSo()).toBe(true);
  };

  test(`${name}: datagrams come whole and one by one, an empty one too, and none after the close`, () =>
    run(async ({ inbound, clock, bind, sendDatagram }) => {
      const heard: string[] = [];
      const listener = await inbound.listenDatagrams(bind, {
        bufferBytes: 0,
        datagram: (bytes) => heard.push(Buffer.from(bytes).toString('latin1')),
        failed: (error) => {
          throw error;
        },
      });
      const parts = ['a\nb', '', 'x'.repeat(60_000), '\0\xff'];
      for (const part of parts) {
        sendDatagram(bind, bytesOf(part));
        await until(clock, () => heard.length > parts.indexOf(part));
      }
      expect(heard).toEqual(parts);
      await listener.close();
      sendDatagram(bind, bytesOf('late'));
      await clock.sleep(20);
      expect(heard).toHaveLength(4);
    }));

  test(`${name}: a port that is taken is told, and is free after the close`, () =>
    run(async ({ inbound, bind }) => {
      const receiver = { bufferBytes: 0, datagram: () => undefined, failed: () => undefined };
      const listen = {
        udp: () => inbound.listenDatagrams(bind, receiver),
        tcp: () => inbound.listenConnections(bind, () => undefined),
      };
      for (const network of ['udp', 'tcp'] as const) {
        const first = await listen[network]();
        const text = `listen ${network} ${bind}: bind: address already in use`;
        await expect(listen[network]()).rejects.toEqual(new DbError('unavailable', text));
        await first.close();
        await (await listen[network]()).close();
      }
    }));

  test(`${name}: bytes of a connection come in order, then its end`, () =>
    run(async ({ inbound, clock, bind, connect }) => {
      const heard = new Heard();
      const listener = await inbound.listenConnections(bind, (connection) => {
        heard.connection = connection;
        return heard;
      });
      const sender = connect(bind);
      for (let i = 0; i < 100; i++) sender.send(bytesOf(`${i},`));
      sender.end();
      await until(clock, () => heard.events.length === 2);
      expect(heard.text).toBe(Array.from({ length: 100 }, (_, i) => `${i},`).join(''));
      expect(heard.events).toEqual(['ended', 'closed']);
      await listener.close();
    }));

  test(`${name}: a paused connection tells nothing until it goes on`, () =>
    run(async ({ inbound, clock, bind, connect }) => {
      const heard = new Heard();
      const listener = await inbound.listenConnections(bind, (connection) => {
        heard.connection = connection;
        connection.pause();
        return heard;
      });
      const sender = connect(bind);
      sender.send(bytesOf('some'));
      await clock.sleep(30);
      expect([heard.text, heard.events]).toEqual(['', []]);
      heard.connection?.resume();
      await until(clock, () => heard.text === 'some');
      heard.connection?.destroy();
      await until(clock, () => heard.events.length === 1);
      expect(heard.events).toEqual(['closed']);
      await listener.close();
    }));
}

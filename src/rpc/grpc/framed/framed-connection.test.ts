import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { noGarbage } from '../garbage.ts';
import { FramedConnection } from './framed-connection.ts';
import type { FramedStream, StreamReader } from './framed-stream.ts';
import { dataBytesMax, frameFlags, frameOf, frameTypes, goawayFrame, settingIds, settingsFrame, streamCodes, wordFrame } from './frames.ts'; // prettier-ignore

/** A socket that takes no more until it is told to: what was written waits in it. */
class SlowSocket extends Duplex {
  readonly #taken: (() => void)[] = [];

  override _read(): void {
    // What comes is pushed.
  }

  override _write(_bytes: Buffer, _encoding: string, taken: () => void): void {
    this.#taken.push(taken);
  }

  /** Takes all that waits. */
  async drain(): Promise<void> {
    for (let next = this.#taken.shift(); next !== undefined; next = this.#taken.shift()) {
      next();
      await turn();
    }
  }
}

class Heard implements StreamReader {
  stream: FramedStream | undefined;
  readonly partLengths: number[] = [];
  readonly closedWith: (number | undefined)[] = [];

  opened(stream: FramedStream): void {
    this.stream = stream;
  }

  headers(): void {
    // Nobody looks at them here.
  }

  data(part: Buffer): void {
    this.partLengths.push(part.length);
  }

  closed(streamCode: number | undefined): void {
    this.closedWith.push(streamCode);
  }
}

const wide = settingsFrame([
  [settingIds.initialWindowSize, 1 << 24],
  [settingIds.maxFrameSize, dataBytesMax],
]);

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function connected(side: 'client' | 'server') {
  const socket = new SlowSocket();
  const readers: Heard[] = [];
  const goodbyes: number[] = [];
  const connection = new FramedConnection(socket, {
    side,
    garbage: noGarbage,
    streamWindowBytes: 1 << 18,
    streamsMax: 100,
    opened: () => {
      const reader = new Heard();
      readers.push(reader);
      return reader;
    },
    settings: () => undefined,
    reset: () => undefined,
    goaway: (code) => goodbyes.push(code),
    pong: () => undefined,
  });
  connection.begin();
  connection.take(Buffer.concat([wide, wordFrame(frameTypes.windowUpdate, 0, 1 << 24)]));
  return { socket, connection, readers, goodbyes };
}

test('framed connection: bytes of a request are not given back while any part of it waits to be written', async () => {
  for (const restBytes of [1, 16_384, 16_385]) {
    const { socket, connection } = connected('client');
    let sentCount = 0;
    const stream = connection.open(new Heard());
    const onSent = () => sentCount++;
    connection.send(stream, [{ bytes: Buffer.alloc(dataBytesMax + restBytes), onSent }], 'end');
    await turn();
    // A window, or whatever else lets its last part go.
    connection.take(wordFrame(frameTypes.windowUpdate, 0, 1));
    socket.emit('drain');
    await turn();
    expect(sentCount).toBe(0);
    await socket.drain();
    expect(sentCount).toBe(1);
  }
});

test('framed connection: a peer may ask whether this end lives while a long answer is on its way to it', async () => {
  const { socket, connection, readers } = connected('server');
  connection.take(frameOf(frameTypes.headers, frameFlags.endHeaders, 1, Buffer.alloc(0)));
  const stream = readers[0]?.stream;
  if (stream === undefined) throw new Error('a stream expected');
  connection.send(stream, [{ bytes: Buffer.alloc(1 << 22) }]);
  await turn();
  socket.emit('drain');
  for (let i = 0; i < 10; i++) connection.take(frameOf(frameTypes.ping, 0, 0, Buffer.alloc(8)));
  expect(connection.isOver).toBe(false);
  // But not on and on without reading the answers.
  const pings = Buffer.alloc(17 * 3_800, frameOf(frameTypes.ping, 0, 0, Buffer.alloc(8)));
  for (let i = 0; i < 150; i++) {
    connection.take(pings);
    await turn();
  }
  expect(connection.isOver).toBe(true);
});

test('framed connection: calls behind the last that a peer has taken as it leaves are told apart', () => {
  const { connection, goodbyes } = connected('client');
  const readers = Array.from({ length: 3 }, () => new Heard());
  for (const reader of readers) connection.open(reader);
  connection.take(goawayFrame(3, streamCodes.none));
  expect(goodbyes).toEqual([streamCodes.none]);
  expect(readers.map(({ closedWith }) => closedWith)).toEqual([[], [], [streamCodes.refused]]);
});

test('framed connection: nothing is kept of frames that hold nothing', () => {
  const { connection, readers } = connected('server');
  connection.take(frameOf(frameTypes.headers, frameFlags.endHeaders, 1, Buffer.alloc(0)));
  for (const bytes of [0, 3, 0]) connection.take(frameOf(frameTypes.data, 0, 1, Buffer.alloc(bytes))); // prettier-ignore
  connection.take(frameOf(frameTypes.data, frameFlags.endStream, 1, Buffer.alloc(0)));
  expect(readers[0]?.partLengths).toEqual([3, 0]);
});

test('framed connection: it is over as soon as the peer has said its last', async () => {
  const { socket, connection } = connected('client');
  const reader = new Heard();
  connection.open(reader);
  socket.resume().push(null);
  await once(socket, 'end');
  expect(connection.isOver).toBe(true);
  expect(reader.closedWith).toEqual([undefined]);
});

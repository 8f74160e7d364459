/**
 * A connection of HTTP/2 between two nodes, either end of it (decision 93): streams, windows, and what is said of the
 * connection itself.
 * - Whatever breaks the rules, or is not what our own end would send, ends the connection with a code that says why.
 * - Nothing a peer sends makes this end hold more than the windows of its streams allow, or answer without a bound.
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { isDbError } from '../../../base/errors.ts';
import type { Garbage } from '../garbage.ts';
import { connectionWindowBytes } from '../windows.ts';
import { FrameOutput } from './frame-output.ts';
import { dataBytesMax, FrameError, frameFlags, frameOf, FrameReader, frameTypes, goawayFrame, settingIds, settingsFrame, settingsIn, streamCodes, wordFrame } from './frames.ts'; // prettier-ignore
import { FramedStream, type Sent, type StreamReader } from './framed-stream.ts';

/** Of our own: the peer speaks as this file does. Others pass over a setting that they do not know. */
export const framedSetting = 0xf5_a7;
export const framedVersion = 1;

const plainWindowBytes = 65_535;
const windowBytesMax = 0x7f_ff_ff_ff;
/** RFC 9113 6.5.2: until a peer says another. */
const plainFrameBytesMax = 16_384;
const settingsFramesMax = 16;
/** Of one stream before it is another's turn. */
const turnBytes = dataBytesMax;

export interface ConnectionEvents {
  readonly garbage: Garbage;
  /** A stream that the peer opens; undefined where it is not taken. */
  readonly opened: (id: number) => StreamReader | undefined;
  /** The first settings of the peer. */
  readonly settings: (settings: ReadonlyMap<number, number>) => void;
  /** The peer has reset a stream. Throws `FrameError` where that is too often. */
  readonly reset: () => void;
  /** The peer takes no more streams. */
  readonly goaway: (streamCode: number) => void;
  readonly pong: () => void;
}

export interface ConnectionOptions extends ConnectionEvents {
  readonly side: 'client' | 'server';
  /** Of each stream, as it is announced. */
  readonly streamWindowBytes: number;
  readonly streamsMax: number;
}

export class FramedConnection {
  readonly #socket: Duplex;
  readonly #options: ConnectionOptions;
  readonly #output: FrameOutput;
  readonly #reader: FrameReader;
  readonly #streams = new Map<number, FramedStream>();
  /** Have something to send, and wait for a window or the socket. */
  readonly #blocked = new Set<FramedStream>();
  #lastPeerId = 0;
  #nextId = 1;
  #sendWindowBytes = plainWindowBytes;
  #uncreditedBytes = 0;
  #receiveWindowBytes = connectionWindowBytes;
  #peerStreamWindowBytes = plainWindowBytes;
  #peerFrameBytesMax = plainFrameBytesMax;
  #settingsCount = 0;
  #isOver = false;

  constructor(socket: Duplex, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#output = new FrameOutput(socket);
    this.#reader = new FrameReader({
      frame: (type, flags, streamId, payload) => {
        this.#frame(type, flags, { streamId, payload });
      },
      data: (streamId, part, isEnd) => {
        this.#data(streamId, part, isEnd);
      },
    });
    socket.on('drain', () => {
      this.#pumpBlocked();
    });
    // A peer that has said its last answers nothing more.
    for (const event of ['end', 'close'])
      socket.on(event, () => {
        this.#end();
      });
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether another stream may be opened. */
  get hasNumbers(): boolean {
    return this.#nextId <= windowBytesMax;
  }

  /** Says what this end is, behind `preface` where there is one. */
  begin(preface?: Buffer): void {
    const { streamWindowBytes, streamsMax, side } = this.#options;
    const settings: (readonly [number, number])[] = [
      [settingIds.initialWindowSize, streamWindowBytes],
      [settingIds.maxFrameSize, dataBytesMax],
      [framedSetting, framedVersion],
    ];
    // A client is not to be pushed to.
    settings.unshift(side === 'client' ? [2, 0] : [settingIds.maxConcurrentStreams, streamsMax]);
    if (preface !== undefined) this.#output.add(preface);
    this.#output.add(settingsFrame(settings));
    this.#credit(0, connectionWindowBytes - plainWindowBytes);
    this.#output.flush();
  }

  /** Takes what has come. */
  take(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#options.garbage.passed(chunk.length);
    try {
      this.#reader.push(chunk);
    } catch (error) {
      // Whatever it is: what comes behind it cannot be told from noise.
      this.close(error instanceof FrameError ? error.streamCode : streamCodes.protocol);
      if (!isDbError(error)) throw error;
    }
  }

  open(reader: StreamReader): FramedStream {
    const id = this.#nextId;
    this.#nextId += 2;
    return this.#add(id, reader);
  }

  headers(stream: FramedStream, block: Buffer, isEnd = false): void {
    if (stream.isClosed) return;
    const flags = frameFlags.endHeaders | (isEnd ? frameFlags.endStream : 0);
    this.#output.addFrame({ type: frameTypes.headers, flags, streamId: stream.id }, block);
    if (isEnd) this.#localEnd(stream);
  }

  /** Sends bytes as the windows allow; `stream.drained()` says whether to wait with more. */
  send(stream: FramedStream, parts: readonly Sent[], ending?: Buffer | 'end'): void {
    if (stream.isClosed || stream.isLocalEnded) return;
    for (const part of parts) stream.push(part);
    stream.ending = ending;
    // Where some of it waits already it goes behind that.
    if (!this.#blocked.has(stream)) this.#pump(stream);
  }

  reset(stream: FramedStream, streamCode: number): void {
    if (stream.isClosed || this.#isOver) return;
    this.#output.add(wordFrame(frameTypes.reset, stream.id, streamCode));
    this.#remove(stream);
  }

  /** The peer is not told to go on until release(). */
  hold(stream: FramedStream): void {
    stream.isHeld = true;
  }

  release(stream: FramedStream): void {
    stream.isHeld = false;
    this.#creditStream(stream);
  }

  /**
   * The peer may send so many bytes at once, for which there is memory, and its window behind them: a long request that stopped at
   * each window would wait for either end to be woken, which takes longer than to send it.
   */
  expect(stream: FramedStream, lengthBytes: number): void {
    const { receiveWindowBytes, isRemoteEnded, isClosed } = stream;
    if (lengthBytes <= receiveWindowBytes || isRemoteEnded || isClosed) return;
    const moreBytes = lengthBytes + this.#options.streamWindowBytes - receiveWindowBytes;
    this.#credit(stream.id, moreBytes);
    stream.receiveWindowBytes += moreBytes;
    stream.uncreditedBytes -= moreBytes;
  }

  ping(): void {
    this.#output.add(frameOf(frameTypes.ping, 0, 0, new Uint8Array(8)));
  }

  /** Says goodbye, and ends all streams. */
  close(streamCode: number): void {
    if (this.#isOver) return;
    this.#output.add(goawayFrame(this.#lastPeerId, streamCode));
    this.#output.flush();
    // Whoever does not read would not read this either. A peer that has done nothing wrong closes its side, and so has heard it.
    if (this.#output.isFull) this.#socket.destroy();
    else if (streamCode === streamCodes.none) this.#socket.end();
    else this.#socket.end(() => this.#socket.destroy());
    this.#end();
  }

  #add(id: number, reader: StreamReader): FramedStream {
    const windows = {
      sendBytes: this.#peerStreamWindowBytes,
      receiveBytes: this.#options.streamWindowBytes,
    };
    const stream = new FramedStream(id, reader, windows);
    this.#streams.set(id, stream);
    reader.opened(stream);
    return stream;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const streams = [...this.#streams.values()];
    for (const stream of streams) this.#remove(stream);
    for (const { reader } of streams) reader.closed(undefined);
  }

  #remove(stream: FramedStream): void {
    this.#streams.delete(stream.id);
    this.#blocked.delete(stream);
    stream.close();
  }

  #frame(
    type: number,
    flags: number,
    { streamId, payload }: { readonly streamId: number; readonly payload: Buffer },
  ): void {
    if (this.#isOver) return;
    if (this.#settingsCount === 0 && type !== frameTypes.settings)
      throw new FrameError(streamCodes.protocol, 'before the settings');
    switch (type) {
      case frameTypes.headers:
        this.#headers(streamId, flags, payload);
        break;
      case frameTypes.reset:
        this.#reset(streamId, wordOf(payload));
        break;
      case frameTypes.settings:
        this.#settings(flags, payload);
        break;
      case frameTypes.ping:
        this.#ping(flags, payload);
        break;
      case frameTypes.goaway:
        this.#goodbye(payload);
        break;
      case frameTypes.windowUpdate:
        this.#widen(streamId, wordOf(payload));
        break;
      default:
        // PRIORITY, PUSH_PROMISE and CONTINUATION are sent by nobody who speaks so; what is newer is passed over.
        if (type <= 9) throw new FrameError(streamCodes.protocol, `of type ${type}`);
    }
  }

  #headers(id: number, flags: number, block: Buffer): void {
    const isWhole = (flags & frameFlags.endHeaders) !== 0;
    if (!isWhole || (flags & (frameFlags.padded | frameFlags.priority)) !== 0)
      throw new FrameError(streamCodes.protocol, 'headers in several parts');
    const isEnd = (flags & frameFlags.endStream) !== 0;
    const known = this.#streams.get(id);
    const stream = known ?? this.#openedByPeer(id);
    if (stream === undefined) return;
    if (stream.isRemoteEnded) throw new FrameError(streamCodes.protocol, 'headers behind the end');
    if (isEnd) stream.isRemoteEnded = true;
    stream.reader.headers(block, isEnd);
    if (isEnd) this.#settle(stream);
  }

  #openedByPeer(id: number): FramedStream | undefined {
    const isClient = this.#options.side === 'client';
    if (id % 2 === 0 || (isClient && id >= this.#nextId))
      throw new FrameError(streamCodes.protocol, 'headers of no stream');
    // It has been closed here meanwhile.
    if (isClient || id <= this.#lastPeerId) return undefined;
    this.#lastPeerId = id;
    // Whoever asks on without reading the answers.
    if (this.#output.isFlooded) throw new FrameError(streamCodes.calm, 'answers that nobody reads');
    const reader = this.#options.opened(id);
    if (reader !== undefined) return this.#add(id, reader);
    this.#output.add(wordFrame(frameTypes.reset, id, streamCodes.refused));
    return undefined;
  }

  #data(id: number, part: Buffer, isEnd: boolean): void {
    if (this.#isOver) return;
    this.#receiveWindowBytes -= part.length;
    if (this.#receiveWindowBytes < 0)
      throw new FrameError(streamCodes.flowControl, 'beyond the window');
    this.#uncreditedBytes += part.length;
    if (this.#uncreditedBytes >= connectionWindowBytes / 2) {
      this.#credit(0, this.#uncreditedBytes);
      this.#receiveWindowBytes += this.#uncreditedBytes;
      this.#uncreditedBytes = 0;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      const isKnown = this.#options.side === 'client' ? id < this.#nextId : id <= this.#lastPeerId;
      if (id % 2 === 0 || !isKnown) throw new FrameError(streamCodes.protocol, 'data of no stream');
      return;
    }
    if (stream.isRemoteEnded) throw new FrameError(streamCodes.protocol, 'data behind the end');
    stream.receiveWindowBytes -= part.length;
    if (stream.receiveWindowBytes < 0)
      throw new FrameError(streamCodes.flowControl, 'beyond the window of its stream');
    stream.uncreditedBytes += part.length;
    if (isEnd) stream.isRemoteEnded = true;
    // Of any number of frames that hold nothing nothing is kept.
    if (part.length > 0 || isEnd) stream.reader.data(part, isEnd);
    if (isEnd) this.#settle(stream);
    else this.#creditStream(stream);
  }

  #creditStream(stream: FramedStream): void {
    const { uncreditedBytes, isHeld, isRemoteEnded, isClosed } = stream;
    if (isHeld || isRemoteEnded || isClosed) return;
    if (uncreditedBytes < this.#options.streamWindowBytes / 2) return;
    this.#credit(stream.id, uncreditedBytes);
    stream.receiveWindowBytes += uncreditedBytes;
    stream.uncreditedBytes = 0;
  }

  #credit(id: number, lengthBytes: number): void {
    this.#output.add(wordFrame(frameTypes.windowUpdate, id, lengthBytes));
  }

  #reset(id: number, streamCode: number): void {
    const stream = this.#streams.get(id);
    this.#options.reset();
    if (stream === undefined) return;
    this.#remove(stream);
    stream.reader.closed(streamCode);
  }

  #settings(flags: number, payload: Buffer): void {
    if ((flags & frameFlags.ack) !== 0) return;
    if (++this.#settingsCount > settingsFramesMax)
      throw new FrameError(streamCodes.calm, 'too many settings');
    const settings = settingsIn(payload);
    const windowBytes = settings.get(settingIds.initialWindowSize);
    if (windowBytes !== undefined) {
      if (windowBytes > windowBytesMax) throw new FrameError(streamCodes.flowControl, 'a window of any size'); // prettier-ignore
      const more = windowBytes - this.#peerStreamWindowBytes;
      this.#peerStreamWindowBytes = windowBytes;
      for (const stream of this.#streams.values()) stream.sendWindowBytes += more;
    }
    const frameBytesMax = settings.get(settingIds.maxFrameSize) ?? this.#peerFrameBytesMax;
    if (frameBytesMax < plainFrameBytesMax) throw new FrameError(streamCodes.protocol, 'frames of no size'); // prettier-ignore
    this.#peerFrameBytesMax = Math.min(frameBytesMax, dataBytesMax);
    this.#output.add(frameOf(frameTypes.settings, frameFlags.ack, 0, new Uint8Array()));
    if (this.#settingsCount === 1) this.#options.settings(settings);
    this.#pumpBlocked();
  }

  #ping(flags: number, payload: Buffer): void {
    if (payload.length !== 8) throw new FrameError(streamCodes.protocol, 'a ping of another length'); // prettier-ignore
    if ((flags & frameFlags.ack) !== 0) {
      this.#options.pong();
      return;
    }
    // Whoever asks on without reading the answers. A long one on its way fills what waits for a while.
    if (this.#output.isFlooded) throw new FrameError(streamCodes.calm, 'too many pings');
    this.#output.add(frameOf(frameTypes.ping, frameFlags.ack, 0, payload));
  }

  #goodbye(payload: Buffer): void {
    if (payload.length < 8) throw new FrameError(streamCodes.protocol, 'a goodbye cut short');
    this.#options.goaway(payload.readUInt32BE(4));
    if (this.#options.side === 'server') return;
    const lastId = payload.readUInt32BE(0) & windowBytesMax;
    // What comes behind the last that it has seen it surely did not take.
    for (const stream of [...this.#streams.values()]) {
      if (stream.id <= lastId || stream.isClosed) continue;
      this.#remove(stream);
      stream.reader.closed(streamCodes.refused);
    }
  }

  #widen(id: number, lengthBytes: number): void {
    if (lengthBytes === 0)
      throw new FrameError(streamCodes.protocol, 'a window that grows by none');
    if (id === 0) {
      this.#sendWindowBytes += lengthBytes;
      if (this.#sendWindowBytes > windowBytesMax)
        throw new FrameError(streamCodes.flowControl, 'a window of any size');
      this.#pumpBlocked();
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.sendWindowBytes += lengthBytes;
    if (stream.sendWindowBytes > windowBytesMax)
      throw new FrameError(streamCodes.flowControl, 'a window of any size');
    if (this.#blocked.delete(stream)) this.#pump(stream);
  }

  /** Each that waits has its turn; those that still do stand at the end. */
  #pumpBlocked(): void {
    let passed = 0;
    do {
      passed = 0;
      for (const stream of [...this.#blocked]) {
        // With a full socket each only takes its place again; one that has ended meanwhile has none.
        if (this.#blocked.delete(stream)) passed += this.#pump(stream);
      }
    } while (passed > 0);
  }

  /** Gives how many bytes went. */
  #pump(stream: FramedStream): number {
    let passed = 0;
    while (stream.queue.length > 0) {
      const room = Math.min(stream.sendWindowBytes, this.#sendWindowBytes);
      if (room <= 0 || this.#output.isFull || passed >= turnBytes) {
        this.#blocked.add(stream);
        return passed;
      }
      passed += this.#sendPart(stream, room);
    }
    const { ending } = stream;
    if (ending === undefined || stream.isLocalEnded) return passed;
    if (ending === 'end') this.#sendData(stream, emptyPart, true);
    else this.headers(stream, ending, true);
    return passed;
  }

  #sendPart(stream: FramedStream, room: number): number {
    const [first] = stream.queue;
    if (first === undefined) return 0;
    const { bytes, onSent } = first;
    const length = Math.min(bytes.length, room, this.#peerFrameBytesMax);
    const isWhole = length === bytes.length;
    if (isWhole) stream.queue.shift();
    else stream.queue[0] = { bytes: bytes.subarray(length), onSent };
    stream.sendWindowBytes -= length;
    this.#sendWindowBytes -= length;
    const isEnd = isWhole && stream.queue.length === 0 && stream.ending === 'end';
    this.#sendData(stream, isWhole ? bytes : bytes.subarray(0, length), isEnd, isWhole ? onSent : undefined); // prettier-ignore
    stream.passed(length);
    return Math.max(1, length);
  }

  #sendData(stream: FramedStream, part: Buffer, isEnd: boolean, onSent?: () => void): void {
    const flags = isEnd ? frameFlags.endStream : 0;
    this.#output.addFrame({ type: frameTypes.data, flags, streamId: stream.id }, part, onSent);
    if (isEnd) this.#localEnd(stream);
  }

  #localEnd(stream: FramedStream): void {
    stream.isLocalEnded = true;
    this.#settle(stream);
  }

  /** A stream that has ended both ways is gone. */
  #settle(stream: FramedStream): void {
    if (!stream.isLocalEnded || !stream.isRemoteEnded || stream.isClosed) return;
    this.#remove(stream);
    stream.reader.closed(streamCodes.none);
  }
}

const emptyPart = Buffer.alloc(0);

function wordOf(payload: Buffer): number {
  if (payload.length !== 4)
    throw new FrameError(streamCodes.protocol, 'a number of another length');
  return payload.readUInt32BE(0) & windowBytesMax;
}

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { InvariantError, must } from '../../../base/assert.ts';
import { Latch } from '../../../base/async/latch.ts';
import { Tasks } from '../../../base/async/tasks.ts';
import { DbError, errorText } from '../../../base/errors.ts';
import {
  type Engine,
  type EngineContext,
  type EngineFactory,
  type EnginePorts,
  type EngineReply,
  type EngineSettings,
  streamAheadMax,
} from '../../engine-host.ts';
import type { Log, LogFields, LogLevel } from '../../log.ts';
import {
  type EngineWorkerData,
  type FromEngine,
  marshalError,
  type ToEngine,
} from './engine-protocol.ts';
import { logLevels } from '../log/log-format.ts';
import { keepCompiledCode } from '../kept-code.ts';
import { IdleGarbage } from '../idle-garbage.ts';
import { NodeClock } from '../node-clock.ts';
import { NodeDisk } from '../node-disk.ts';
import { createNodeRandom } from '../node-random.ts';
import { Outgoing } from '../network/outgoing.ts';
import { Turns } from './turns.ts';

/**
 * The body of an engine's thread: builds the engine with ports of this thread once the host says which one it is, then
 * answers the host's messages.
 */
export function serveEngine(factory: EngineFactory): void {
  const port = must(parentPort, 'serveEngine runs in a worker thread');
  const data = workerData as EngineWorkerData;
  const outgoing = new Outgoing<FromEngine>((messages, transfer) => {
    port.postMessage(messages, transfer);
  }, unsent);
  const post = (message: FromEngine, transfer?: readonly ArrayBuffer[]): void => {
    outgoing.add(message, transfer);
  };
  const line: Line = { port, post, outgoing };
  const ports: EnginePorts = {
    clock: new NodeClock(),
    random: createNodeRandom(),
    disk: new NodeDisk(),
    log: new ForwardedLog(post, data.logLevel, undefined),
    turn: new Turns().turn,
  };
  // Any escape is the engine's death: the host rejects its calls, and the node decides what follows.
  process.on('uncaughtException', (error) => {
    die(line, error);
  });
  new IdleGarbage().watch();
  let server: EngineServer | undefined;
  const start = async (settings: EngineSettings): Promise<void> => {
    try {
      const engine = await factory(settings, ports);
      keepCompiledCode();
      server = new EngineServer(engine, data.cancelFlags, line);
      post({ type: 'ready' });
    } catch (error) {
      die(line, error);
    }
  };
  port.on('message', (messages: readonly ToEngine[]) => {
    for (const message of messages)
      if (message.type === 'start') void start(message.settings);
      else must(server, 'nobody knows an engine before it is ready').take(message);
  });

  /** What cannot be cloned is no answer: its caller is told so. A stream cannot go on behind a piece that is missing. */
  function unsent(message: FromEngine, error: unknown): void {
    const told = new DbError('internal', `engine reply is not plain data: ${errorText(error)}`);
    if (message.type === 'reply')
      post({ type: 'failure', id: message.id, error: marshalError(told) }); // prettier-ignore
    else die(line, told);
  }
}

function die({ port, outgoing, post }: Line, error: unknown): void {
  post({ type: 'died', error: marshalError(error) });
  outgoing.flush();
  port.close();
}

interface Line {
  readonly outgoing: Pick<Outgoing<FromEngine>, 'flush'>;
  readonly port: MessagePort;
  readonly post: (message: FromEngine, transfer?: readonly ArrayBuffer[]) => void;
}

interface Stream {
  credits: number;
  stopped: boolean;
  wake: Latch<undefined>;
  readonly request: StreamContext;
}

/** What a stream knows of its reader. */
class StreamContext implements EngineContext {
  readonly #flags: Int32Array;
  readonly #slot: number;
  #isStopped = false;
  #stopped: Latch<undefined> | undefined;

  constructor(flags: Int32Array, slot: number) {
    this.#flags = flags;
    this.#slot = slot;
  }

  cancelled(): boolean {
    return Atomics.load(this.#flags, this.#slot) !== 0;
  }

  /** Hardly anybody waits for it. */
  get stopped(): Promise<undefined> {
    this.#stopped ??= new Latch();
    if (this.#isStopped) this.#stopped.open(undefined);
    return this.#stopped.promise;
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopped?.open(undefined);
  }
}

class EngineServer {
  readonly #engine: Engine;
  readonly #cancelFlags: Int32Array;
  readonly #line: Line;
  readonly #streams = new Map<number, Stream>();
  readonly #tasks: Tasks;

  constructor(engine: Engine, cancelFlags: Int32Array, line: Line) {
    this.#engine = engine;
    this.#cancelFlags = cancelFlags;
    this.#line = line;
    this.#tasks = new Tasks((_name, error) => {
      die(line, error);
    });
  }

  take(message: Exclude<ToEngine, { readonly type: 'start' }>): void {
    switch (message.type) {
      case 'call':
        this.#tasks.spawn('call', this.#call(message));
        break;
      case 'stream':
        this.#begin(message);
        break;
      case 'credit': {
        const stream = this.#streams.get(message.id);
        if (stream === undefined) break;
        stream.credits++;
        stream.wake.open(undefined);
        break;
      }
      case 'stop': {
        const stream = this.#streams.get(message.id);
        if (stream === undefined) break;
        stream.stopped = true;
        stream.request.stop();
        stream.wake.open(undefined);
        break;
      }
      case 'close':
        this.#close().catch((error: unknown) => {
          die(this.#line, error);
        });
        break;
    }
  }

  async #close(): Promise<void> {
    await this.#tasks.settled();
    await this.#engine.close();
    keepCompiledCode();
    this.#line.post({ type: 'closed' });
    this.#line.outgoing.flush();
    this.#line.port.close();
  }

  async #call(message: ToEngine & { type: 'call' | 'stream' }): Promise<void> {
    const { id } = message;
    try {
      const reply = await this.#engine.call(
        message.kind,
        message.body,
        this.#context(message.slot),
      );
      this.#line.post({ type: 'reply', id, body: reply.body }, reply.transfer);
    } catch (error) {
      this.#fail(id, error);
    }
  }

  /** A reply that is there at once and alone leaves before anybody could stop it, or count what he has taken. */
  #begin(message: ToEngine & { type: 'call' | 'stream' }): void {
    const { id, kind, body } = message;
    const request = new StreamContext(this.#cancelFlags, message.slot);
    try {
      const begun = this.#engine.begin?.(kind, body, request) ?? this.#engine.stream(kind, body, request);
      if ('body' in begun) this.#postItem('last', id, begun);
      else this.#tasks.spawn('stream', this.#stream(message, request, begun));
    } catch (error) {
      this.#tasks.spawn('stream', this.#failed(id, error));
    }
  } // prettier-ignore

  async #stream(
    { id, aheadMax: credits = streamAheadMax }: ToEngine & { type: 'call' | 'stream' },
    request: StreamContext,
    replies: AsyncIterable<EngineReply>,
  ): Promise<void> {
    const stream: Stream = { credits, stopped: false, wake: new Latch(), request };
    this.#streams.set(id, stream);
    let isAnswered = false;
    try {
      for await (const reply of replies) {
        if (!(await this.#credit(stream))) break;
        isAnswered = reply.isLast === true;
        this.#postItem(isAnswered ? 'last' : 'item', id, reply);
        if (isAnswered) return;
      }
      this.#line.post({ type: 'end', id });
    } catch (error) {
      // Whoever fails while it cleans up behind its last reply has nobody to tell.
      if (isAnswered) throw error;
      this.#fail(id, error);
    } finally {
      this.#streams.delete(id);
    }
  }

  /** Waits until one more reply may go; false when the reader has left. */
  async #credit(stream: Stream): Promise<boolean> {
    while (stream.credits === 0 && !stream.stopped) {
      await stream.wake.promise;
      stream.wake = new Latch();
    }
    stream.credits--;
    return !stream.stopped;
  }

  #postItem(type: 'item' | 'last', id: number, reply: EngineReply): void {
    this.#line.post({ type, id, body: reply.body }, reply.transfer);
  }

  #context(slot: number): EngineContext {
    return { cancelled: () => Atomics.load(this.#cancelFlags, slot) !== 0 };
  }

  /** What ends the engine is told by the task. */
  // eslint-disable-next-line @typescript-eslint/require-await -- it rejects
  async #failed(id: number, error: unknown): Promise<void> {
    this.#fail(id, error);
  }

  /** A broken invariant is not an answer: it ends the engine. */
  #fail(id: number, error: unknown): void {
    if (error instanceof InvariantError) throw error;
    this.#line.post({ type: 'failure', id, error: marshalError(error) });
  }
}

/** Lines go to the main thread, which writes them; below the shared level they are not even posted. */
class ForwardedLog implements Log {
  readonly #post: (message: FromEngine) => void;
  readonly #level: Int32Array;
  readonly #service: string | undefined;

  constructor(post: (message: FromEngine) => void, level: Int32Array, service: string | undefined) {
    this.#post = post;
    this.#level = level;
    this.#service = service;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  child(service: string): Log {
    return new ForwardedLog(this.#post, this.#level, service);
  }

  setLevel(level: LogLevel): void {
    Atomics.store(this.#level, 0, logLevels.indexOf(level));
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (logLevels.indexOf(level) < Atomics.load(this.#level, 0)) return;
    const named = this.#service === undefined ? fields : { service: this.#service, ...fields };
    this.#post({ type: 'log', level, message, fields: named });
  }
}

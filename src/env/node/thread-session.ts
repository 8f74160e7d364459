/**
 * The threads of this process as the inspector reaches them: workers through the main thread's session, their messages as
 * texts. They tell of themselves when they come to it, also those that start later; how many there are nobody says.
 */
import { Session } from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { DbError } from '../../base/errors.ts';

/** What busy workers get to be found in. */
const attachMs = 200;
/** Of a worker that does not answer since it is busy: its part is left out then. */
const workerAnswerMs = 5_000;

export interface ThreadTarget {
  readonly name: string;
  /** Undefined of a worker that is too busy to answer, or has ended. */
  readonly post: (method: string, parameters?: object) => Promise<unknown>;
}

interface OfWorker {
  readonly sessionId: string;
}
type Attached = OfWorker & { readonly workerInfo: { readonly workerId: string } };
type Received = OfWorker & { readonly message: string };
interface Told<T> {
  readonly params: T;
}

interface Followed {
  readonly target: ThreadTarget;
  readonly begun: Promise<unknown>;
}

export class ThreadSession {
  readonly #session = new Session();
  readonly #begin: (target: ThreadTarget) => Promise<unknown>;
  /** By the id of a worker's session; the main thread's is ''. */
  readonly #followed = new Map<string, Followed>();
  readonly #waiting = new Map<string, (result: unknown) => void>();

  /** `begin` is done with each thread as it is found, before anything else is. */
  constructor(begin: (target: ThreadTarget) => Promise<unknown> = () => Promise.resolve()) {
    this.#begin = begin;
  }

  /** Works with every thread that is there by now. */
  static async with<T>(work: (targets: readonly ThreadTarget[]) => Promise<T>): Promise<T> {
    const threads = new ThreadSession();
    try {
      await threads.open();
      await sleep(attachMs);
      return await work([...threads.#followed.values()].map(({ target }) => target));
    } finally {
      threads.close();
    }
  }

  async open(): Promise<void> {
    const session = this.#session;
    session.connect();
    this.#follow('', 'main', (method, parameters) => this.#posted(method, parameters));
    session.on('NodeWorker.attachedToWorker', ({ params }: Told<Attached>) => {
      this.#followWorker(params.sessionId, params.workerInfo.workerId);
    });
    session.on('NodeWorker.detachedFromWorker', ({ params }: Told<OfWorker>) => {
      this.#followed.delete(params.sessionId);
    });
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }: Told<Received>) => {
      const { id, result } = JSON.parse(params.message) as { id?: number; result?: unknown };
      this.#waiting.get(`${params.sessionId} ${id}`)?.(result);
    });
    await this.#posted('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  /** What `work` gives of each thread; none of those that are busy or have ended. */
  async each<T>(work: (target: ThreadTarget) => Promise<T | undefined>): Promise<readonly T[]> {
    const parts = [...this.#followed.values()].map(async ({ target, begun }) => {
      await begun;
      return work(target);
    });
    return (await Promise.all(parts)).filter((part) => part !== undefined);
  }

  close(): void {
    this.#session.disconnect();
  }

  #follow(sessionId: string, name: string, post: ThreadTarget['post']): void {
    const target = { name, post };
    const begun = this.#begin(target);
    // What failed is told to who works with the thread.
    begun.catch(() => undefined);
    this.#followed.set(sessionId, { target, begun });
  }

  #followWorker(sessionId: string, workerId: string): void {
    let idLast = 0;
    this.#follow(sessionId, `worker ${workerId}`, async (method, parameters = {}) => {
      const id = ++idLast;
      const key = `${sessionId} ${id}`;
      const answered = new Promise((resolve) => this.#waiting.set(key, resolve));
      const message = JSON.stringify({ id, method, params: parameters });
      try {
        await this.#posted('NodeWorker.sendMessageToWorker', { sessionId, message });
        return await Promise.race([answered, sleep(workerAnswerMs, undefined, { ref: false })]);
      } catch (error) {
        // It has ended: that is told a moment later.
        if (this.#followed.delete(sessionId)) return undefined;
        throw error;
      } finally {
        this.#waiting.delete(key);
      }
    });
  }

  #posted(method: string, parameters: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, parameters, (error, result) => {
        if (error === null) resolve(result);
        else reject(new DbError('internal', `${method}: ${error.message}`));
      });
    });
  }
}

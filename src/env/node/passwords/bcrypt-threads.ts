import { once, type EventEmitter } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { BcryptTask } from './bcrypt-hash.ts';

/** So many guesses at once, whoever guesses: the other cores are for those who know their password. */
const threadsMax = 2;

interface Waiting {
  readonly task: BcryptTask;
  readonly resolve: (answer: boolean | string) => void;
  readonly reject: (error: unknown) => void;
}

export type BcryptThread = EventEmitter & Pick<Worker, 'postMessage' | 'terminate'>;

/** Throws where the system gives none. */
function madeThread(): BcryptThread {
  return new Worker(new URL('./bcrypt-thread.ts', import.meta.url));
}

/** Threads that are there while there is something for them to do. */
export class BcryptThreads {
  readonly #waiting: Waiting[] = [];
  readonly #make: () => BcryptThread;
  #threadCount = 0;

  constructor(make = madeThread) {
    this.#make = make;
  }

  run(task: BcryptTask): Promise<boolean | string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#start();
    });
  }

  #start(): void {
    while (this.#threadCount < threadsMax && this.#waiting.length > 0) {
      try {
        const thread = this.#make();
        this.#threadCount += 1;
        // What fails is told to whoever waits for it.
        void this.#serve(thread);
        return;
      } catch (error) {
        // The system gives no thread: the next one who logs in may get one.
        this.#waiting.shift()?.reject(error);
      }
    }
  }

  async #serve(thread: BcryptThread): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        thread.postMessage(next.task);
        const [answer] = (await once(thread, 'message')) as [boolean | string];
        next.resolve(answer);
      } catch (error) {
        next.reject(error);
        break;
      }
    }
    this.#threadCount -= 1;
    this.#start();
    await thread.terminate();
  }
}

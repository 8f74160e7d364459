import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { BcryptTask } from './bcrypt-hash.ts';

/** So many guesses at once, whoever guesses: the other cores are for those who know their password. */
const threadsMax = 2;

interface Waiting {
  readonly task: BcryptTask;
  readonly resolve: (answer: boolean | string) => void;
  readonly reject: (error: unknown) => void;
}

/** Threads that are there while there is something for them to do. */
export class BcryptThreads {
  readonly #waiting: Waiting[] = [];
  #threadCount = 0;

  run(task: BcryptTask): Promise<boolean | string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#start();
    });
  }

  #start(): void {
    if (this.#threadCount >= threadsMax || this.#waiting.length === 0) return;
    this.#threadCount += 1;
    // What fails is told to whoever waits for it.
    void this.#serve(new Worker(new URL('./bcrypt-thread.ts', import.meta.url)));
  }

  async #serve(thread: Worker): Promise<void> {
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

import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { BcryptThreads } from './bcrypt-threads.ts';

test('bcrypt threads: those who come while the system gives no thread are told, and later ones are served', async () => {
  let failsLeft = 5;
  const threads = new BcryptThreads(() => {
    if (failsLeft-- > 0) throw new Error('EAGAIN');
    const thread = new EventEmitter();
    const postMessage = (): void => {
      setImmediate(() => thread.emit('message', true));
    };
    return Object.assign(thread, { postMessage, terminate: () => Promise.resolve(0) }); // prettier-ignore
  });
  const task = {} as Parameters<BcryptThreads['run']>[0];
  for (let i = 0; i < 5; i++) await expect(threads.run(task)).rejects.toThrow('EAGAIN');
  for (let i = 0; i < 3; i++) expect(await threads.run(task)).toBe(true);
});

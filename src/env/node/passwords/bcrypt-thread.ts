/** A thread that makes and checks bcrypt hashes, one after the other. */
import { parentPort } from 'node:worker_threads';
import { runBcrypt, type BcryptTask } from './bcrypt-hash.ts';

parentPort?.on('message', (task: BcryptTask) => {
  parentPort?.postMessage(runBcrypt(task));
});

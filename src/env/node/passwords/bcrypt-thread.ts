/** The thread of one check of a bcrypt hash: some tenths of a second of arithmetic. */
import { parentPort, workerData } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';
import type { BcryptCheck } from './check-bcrypt.ts';

const { password, hash } = workerData as BcryptCheck;
parentPort?.postMessage(compareSync(password, hash));

/**
 * `auth-file`: users and passwords for what is signed or encrypted. It is read at the start and, since the reference takes a change
 * without a new start, again while datagrams ask for users: they are answered from what was read last.
 */
import type { Tasks } from '../../../base/async/tasks.ts';
import { errorText } from '../../../base/errors.ts';
import { quoteGo } from '../../../base/go-format.ts';
import { MiB } from '../../../base/units.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Disk } from '../../../env/disk.ts';
import { readSecrets, type Secret, type Secrets } from './packet-secrets.ts';

export interface AuthFilePorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly disk: Pick<Disk, 'readFile' | 'size'>;
  readonly tasks: Pick<Tasks, 'spawn'>;
}

const freshMs = 1_000;
const fileBytesMax = 16 * MiB;

export class AuthFile implements Secrets {
  readonly #ports: AuthFilePorts;
  readonly #path: string;
  #secrets: ReadonlyMap<string, Secret> = new Map();
  /** Why the file could not be read. */
  #fault: string | undefined;
  #readAtMs = 0;
  #isReading = false;

  private constructor(ports: AuthFilePorts, path: string) {
    this.#ports = ports;
    this.#path = path;
  }

  /** A file that is not there is told by those that ask. */
  static async open(ports: AuthFilePorts, path: string): Promise<AuthFile> {
    const file = new AuthFile(ports, path);
    await file.#read();
    return file;
  }

  find(user: string): Secret | string {
    const { clock, tasks } = this.#ports;
    if (!this.#isReading && clock.monotonicMs() - this.#readAtMs >= freshMs)
      tasks.spawn('auth file', this.#read());
    return this.#fault ?? this.#secrets.get(user) ?? `no such user: ${quoteGo(user)}`;
  }

  async #read(): Promise<void> {
    const { clock, disk } = this.#ports;
    this.#isReading = true;
    try {
      const size = await disk.size(this.#path);
      if (size !== undefined && size > fileBytesMax) throw new Error(`${this.#path} has ${size} bytes`); // prettier-ignore
      this.#secrets = readSecrets(Buffer.from(await disk.readFile(this.#path)).toString());
      this.#fault = undefined;
    } catch (error) {
      // What was known goes on: a file is often away while it is exchanged.
      if (this.#secrets.size === 0) this.#fault = errorText(error);
    } finally {
      this.#isReading = false;
      this.#readAtMs = clock.monotonicMs();
    }
  }
}

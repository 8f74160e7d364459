/** `client.json`: where the meta nodes are, for tools that look there as with the reference. Nothing of ours reads it. */
import { errorText } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';

export class ServersFile {
  readonly #ports: { readonly disk: Disk; readonly log: Log };
  readonly #path: string;
  #saved = '';

  /** `folder` is `[meta] dir`. */
  constructor(ports: { readonly disk: Disk; readonly log: Log }, folder: string) {
    this.#ports = ports;
    this.#path = `${folder}/client.json`;
  }

  /** host:8091 of each. What fails is told in the log. */
  async save(addresses: readonly string[]): Promise<void> {
    const servers = JSON.stringify({ MetaServers: addresses });
    if (servers === this.#saved) return;
    this.#saved = servers;
    try {
      await this.#ports.disk.replaceFile(this.#path, new TextEncoder().encode(servers));
    } catch (error) {
      this.#saved = '';
      const fields = { path: this.#path, error: errorText(error) };
      this.#ports.log.warn('The list of meta nodes could not be saved', fields);
    }
  }
}

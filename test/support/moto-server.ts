/** An S3 of others: moto (pip install 'moto[server,s3]'), as a process of its own, with a bucket `backups`. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

/** Whether it is installed. */
export const hasMoto = spawnSync('moto_server', ['--help']).status === 0;

export class MotoServer {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(): Promise<MotoServer> {
    const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', '0']);
    const url = await new Promise<string>((resolve, reject) => {
      let text = '';
      const onData = (part: Buffer): void => {
        text += part.toString();
        const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
        if (found !== undefined) resolve(found);
      };
      // Werkzeug tells there that it listens.
      child.stderr.on('data', onData);
      child.stdout.on('data', onData);
      child.once('exit', () => {
        reject(new Error(`moto_server ended: ${text}`));
      });
    });
    const made = await fetch(`${url}/backups`, { method: 'PUT' });
    if (!made.ok) throw new Error(await made.text());
    return new MotoServer(child, url);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await ended;
  }
}

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A real influxd on a loopback port of its own with folders of its own, for recording what it answers. */
export class ReferenceServer {
  readonly url: string;
  /** host:port of `influxd backup` and `influxd restore`. */
  readonly rpcAddress: string;
  /** Its `data`, `wal` and `meta`. */
  get folder(): string {
    return this.#folder;
  }
  #child: ChildProcess;
  readonly #folder: string;
  readonly #program: string;

  private constructor(
    { url, rpcAddress }: { readonly url: string; readonly rpcAddress: string },
    child: ChildProcess,
    { folder, program }: { readonly folder: string; readonly program: string },
  ) {
    this.url = url;
    this.rpcAddress = rpcAddress;
    this.#child = child;
    this.#folder = folder;
    this.#program = program;
  }

  /** `dataLines` are more lines of `[data]`, `httpLines` of `[http]`. */
  static async start(
    program = 'influxd',
    dataLines = '',
    httpLines = '',
  ): Promise<ReferenceServer> {
    const folder = mkdtempSync(join(tmpdir(), 'varve-reference-'));
    const [httpPort, rpcPort] = [await freePort(), await freePort()];
    const config = join(folder, 'influxdb.conf');
    writeFileSync(config, configText(folder, { httpPort, rpcPort, dataLines, httpLines }));
    const child = spawn(program, ['-config', config], { stdio: 'ignore' });
    const url = `http://127.0.0.1:${httpPort}`;
    const addresses = { url, rpcAddress: `127.0.0.1:${rpcPort}` };
    const server = new ReferenceServer(addresses, child, { folder, program });
    await server.#up();
    return server;
  }

  /** Stops the server, lets `change` work on its folder, and starts it again. */
  async restart(change: (folder: string) => void): Promise<void> {
    await this.#end();
    change(this.#folder);
    const config = join(this.#folder, 'influxdb.conf');
    this.#child = spawn(this.#program, ['-config', config], { stdio: 'ignore' });
    await this.#up();
  }

  async #up(): Promise<void> {
    for (let attempt = 0; attempt < 1_200; attempt++) {
      const up = await fetch(`${this.url}/ping`).then(
        ({ status }) => status === 204 || status === 401,
        () => false,
      );
      if (up) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.stop();
    throw new Error('influxd did not answer /ping within a minute');
  }

  /** The body of the answer to a POST; `accept` asks for another format than JSON. */
  async query(
    parameters: Readonly<Record<string, string>>,
    accept = 'application/json',
  ): Promise<string> {
    const body = new URLSearchParams(parameters);
    const headers = { Accept: accept };
    return (await fetch(`${this.url}/query`, { method: 'POST', body, headers })).text();
  }

  async write(database: string, lines: string | Buffer): Promise<{ status: number; body: string }> {
    const url = `${this.url}/write?db=${encodeURIComponent(database)}`;
    const response = await fetch(url, { method: 'POST', body: typeof lines === 'string' ? lines : new Uint8Array(lines) }); // prettier-ignore
    return { status: response.status, body: await response.text() };
  }

  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}

interface ConfigParts {
  readonly httpPort: number;
  readonly rpcPort: number;
  readonly dataLines: string;
  readonly httpLines: string;
}

function configText(
  folder: string,
  { httpPort, rpcPort, dataLines, httpLines }: ConfigParts,
): string {
  return `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  max-series-per-database = 0
  max-values-per-tag = 0
${dataLines}
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  log-enabled = false
${httpLines}
`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

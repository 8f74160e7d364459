import { createPrivateKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { durationMs, parseTomlDurationNs } from '../../config/toml-duration.ts';
import { digestOfKey } from '../../license/key-exchange.ts';
import { addKey, readKeys } from './key-book.ts';
import { createPortal } from './portal-server.ts';
import { dayMs, wholeNumber } from './whole-number.ts';

interface KeyOptions {
  readonly keys: string;
  readonly days: string;
  readonly dataNodes: string;
  readonly cores: string;
}

interface ServeOptions {
  readonly privateKey: string;
  readonly keys: string;
  readonly bind: string;
  readonly lifetime: string;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
}

export interface PortalPorts {
  readonly nowMs: () => number;
  readonly print: (text: string) => void;
  /** Called with what ends the portal. */
  readonly onStop: (close: () => void) => void;
}

/** Adds `key` and `serve`: what a portal of one's own takes (spec F1). */
export function addPortalCommands(command: Command, ports: PortalPorts): void {
  command
    .command('key')
    .description('make a license key, and print it; the file has only its digest')
    .requiredOption('--keys <file>', 'the keys of the portal; made when it is not there')
    .option('--days <n>', 'how long it is valid', '365')
    .option('--data-nodes <n>', 'how many data nodes the cluster may have', '2')
    .option('--cores <n>', 'how many cores a data node uses', '2')
    .action((options: KeyOptions) => {
      const key = randomUUID();
      addKey(options.keys, {
        digest: digestOfKey(key),
        dataNodesMax: wholeNumber('data-nodes', options.dataNodes),
        coresMax: wholeNumber('cores', options.cores),
        expiresAtMs: ports.nowMs() + wholeNumber('days', options.days) * dayMs,
      });
      ports.print(`${key}\n`);
    });
  command
    .command('serve')
    .description('exchange license keys for temporary licences, until it is stopped')
    .requiredOption('--private-key <file>')
    .requiredOption('--keys <file>', 'read for each request')
    .option('--bind <host:port>', 'where it listens', '127.0.0.1:8092')
    .option('--lifetime <duration>', 'how long a licence counts that is given', '168h')
    .option('--tls-certificate <file>', 'PEM; with it and --tls-key it speaks https')
    .option('--tls-key <file>', 'PEM')
    .action((options: ServeOptions) => {
      serve(options, ports);
    });
}

function serve(options: ServeOptions, { nowMs, print, onStop }: PortalPorts): void {
  const { keys, tlsCertificate, tlsKey } = options;
  if ((tlsCertificate === undefined) !== (tlsKey === undefined))
    throw new Error('--tls-certificate and --tls-key go together');
  const lifetimeMs = durationMs(parseTomlDurationNs(options.lifetime));
  if (!(lifetimeMs >= 1_000)) throw new Error(`--lifetime must be a second at least, not ${options.lifetime}`); // prettier-ignore
  const { host, port } = addressOf(options.bind);
  // What it could not do later is told now.
  readKeys(keys);
  const server = createPortal({
    privateKey: createPrivateKey(readText(options.privateKey)),
    lifetimeMs,
    keys: () => readKeys(keys),
    nowMs,
    tls:
      tlsCertificate !== undefined && tlsKey !== undefined
        ? { certificate: readText(tlsCertificate), key: readText(tlsKey) }
        : undefined,
    print: (line) => {
      print(`${line}\n`);
    },
  });
  server.on('error', (error) => {
    throw error;
  });
  server.listen(port, host, () => {
    print(`Serving licenses on ${options.bind}\n`);
  });
  onStop(() => {
    server.close();
    server.closeAllConnections();
  });
}

function addressOf(bind: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(bind) ?? [];
  if (port === '') throw new Error(`--bind must be host:port, not ${bind}`);
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

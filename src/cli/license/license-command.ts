import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { signLicense, verifyLicense } from '../../license/license-file.ts';
import type { License } from '../../license/license.ts';
import { addPortalCommands, type PortalPorts } from './portal-commands.ts';
import { dayMs, wholeNumber } from './whole-number.ts';

interface IssueOptions {
  readonly privateKey: string;
  readonly out: string;
  readonly days: string;
  readonly dataNodes: string;
  readonly cores: string;
}

/** The influxd-license command. */
export function licenseCommand(ports: PortalPorts): Command {
  const { nowMs, print } = ports;
  const command = new Command('influxd-license').description(
    'makes keys, issues and inspects licence files, serves licences for license keys',
  );
  command
    .command('keygen')
    .description('make an Ed25519 key pair; existing files are not overwritten')
    .requiredOption('--private-key <file>', 'where the key that signs goes (mode 0600)')
    .requiredOption('--public-key <file>', 'where the key that servers trust goes')
    .action(({ privateKey, publicKey }: { privateKey: string; publicKey: string }) => {
      keygen(privateKey, publicKey);
    });
  command
    .command('issue')
    .description('sign a licence')
    .requiredOption('--private-key <file>')
    .requiredOption('--out <file>', 'the licence file')
    .option('--days <n>', 'how long it is valid', '365')
    .option('--data-nodes <n>', 'how many data nodes the cluster may have', '2')
    .option('--cores <n>', 'how many cores a data node uses', '2')
    .action((options: IssueOptions) => {
      issue(options, nowMs());
    });
  command
    .command('inspect')
    .description('check a licence and print what it allows; fails when it is not valid')
    .argument('<file>')
    .requiredOption('--public-key <file>')
    .action((file: string, { publicKey }: { publicKey: string }) => {
      const license = verifyLicense(readText(file), [readText(publicKey)], nowMs());
      print(`${JSON.stringify(license, null, 2)}\n`);
    });
  addPortalCommands(command, ports);
  return command;
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}

function keygen(privatePath: string, publicPath: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(privatePath, pem, { mode: 0o600, flag: 'wx' });
  writeFileSync(publicPath, publicKey.export({ type: 'spki', format: 'pem' }), { flag: 'wx' });
}

function issue(options: IssueOptions, nowMs: number): void {
  const license: License = {
    id: randomUUID(),
    type: 'license-path',
    notBeforeMs: nowMs,
    expiresAtMs: nowMs + wholeNumber('days', options.days) * dayMs,
    dataNodesMax: wholeNumber('data-nodes', options.dataNodes),
    coresMax: wholeNumber('cores', options.cores),
  };
  const key = createPrivateKey(readText(options.privateKey));
  writeFileSync(options.out, signLicense(license, key));
}

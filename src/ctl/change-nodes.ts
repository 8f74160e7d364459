import { DbError } from '../base/errors.ts';
import { parseGoFlags, type Flags } from '../base/go-flags.ts';
import { refuseNoShard } from './copy-shard.ts';
import type { CtlOutput, MetaCaller } from './meta-http.ts';

export interface ChangePorts extends CtlOutput {
  readonly meta: MetaCaller;
}

interface NodeStatus {
  readonly nodeType?: string;
  readonly leader?: string;
}

/** `influxd-ctl remove-meta` (spec 2.2): the node is asked to leave; with -force the others take it out. */
export async function removeMeta(args: readonly string[], ports: ChangePorts): Promise<void> {
  const { meta, out } = ports;
  const flags = parseGoFlags(args, { force: 'switch', tcpAddr: 'text', y: 'switch' });
  const isForced = flags.values['force'] === true;
  const tcpAddr = textOf(flags, 'tcpAddr');
  const addr = onlyArgument(flags.rest, 'addr is required');
  if (isForced && tcpAddr === '') throw wrong('-tcpAddr is required with -force');
  if (!isForced) await assertMember(addr, meta.at(addr));
  const question = `${isForced ? 'Force remove' : 'Remove'} ${addr} from the cluster`;
  if (flags.values['y'] !== true && !(await confirms(question, ports))) return;
  if (isForced) await meta.post('/remove', { httpAddr: addr, force: 'true', tcpAddr });
  else await meta.at(addr).post('/leave', {});
  out(`Removed meta node at ${addr}\n`);
}

async function assertMember(addr: string, node: MetaCaller): Promise<void> {
  const status = (await node.get('/status')) as NodeStatus | undefined;
  if (status?.nodeType !== 'meta') throw wrong(`${addr} is not a meta node`);
  if ((status.leader ?? '') === '') throw wrong(`${addr} is not part of a cluster`);
}

/** `influxd-ctl remove-data`: the node erases what it has, unless -force. */
export async function removeData(
  args: readonly string[],
  { meta, out }: ChangePorts,
): Promise<void> {
  const flags = parseGoFlags(args, { force: 'switch' });
  const addr = onlyArgument(flags.rest, 'addr value is empty');
  const force = flags.values['force'] === true ? { force: 'true' } : {};
  await meta.post('/remove-data', { addr, ...force });
  out(`Removed data node at ${addr}\n`);
}

/** `influxd-ctl update-data`: another address, or the same one on another disk. */
export async function updateData(
  args: readonly string[],
  { meta, out }: ChangePorts,
): Promise<void> {
  const [oldAddr = '', newAddr = '', extra] = parseGoFlags(args, {}).rest;
  if (oldAddr === '') throw wrong('old-addr value is empty');
  if (newAddr === '') throw wrong('new-addr value is empty');
  if (extra !== undefined) throw wrong(`unknown argument: ${extra}`);
  const { id } = (await meta.post('/update-data', { oldAddr, newAddr })) as { readonly id: number };
  out(`Updated data node ${id} to ${newAddr}\n`);
}

/** `influxd-ctl node-labels set|delete -nodeid N -labels JSON`. */
export async function nodeLabels(args: readonly string[], { meta }: ChangePorts): Promise<void> {
  const [action = '', ...more] = args;
  if (action !== 'set' && action !== 'delete') throw wrong('expected one of: set, delete');
  const flags = parseGoFlags(more, { nodeid: 'text', labels: 'text' });
  refuseExtra(flags.rest);
  const [nodeid, labels] = [textOf(flags, 'nodeid'), textOf(flags, 'labels')];
  if (nodeid === '') throw wrong('-nodeid is required');
  if (labels === '') throw wrong('-labels is required');
  await meta.post('/node-labels', { action, nodeid, labels });
}

/** `influxd-ctl truncate-shards`. */
export async function truncateShards(
  args: readonly string[],
  { meta, out }: ChangePorts,
): Promise<void> {
  const flags = parseGoFlags(args, { delay: 'text' });
  refuseExtra(flags.rest);
  await meta.post('/truncate-shards', { delay: textOf(flags, 'delay') || '1m0s' });
  out('Truncated shards.\n');
}

/** `influxd-ctl remove-shard`. */
export async function removeShard(
  args: readonly string[],
  { meta, out }: ChangePorts,
): Promise<void> {
  const [src = '', shard = '', extra] = parseGoFlags(args, {}).rest;
  if (src === '') throw wrong('srcAddr is required');
  if (shard === '') throw wrong('shardID is required');
  if (extra !== undefined) throw wrong(`unknown argument: ${extra}`);
  refuseNoShard(shard);
  await meta.post('/remove-shard', { src, shard });
  out(`Removed shard ${shard} from ${src}\n`);
}

/** Asks the user; only y and Y are a yes (spec 2.2). */
export async function confirms(question: string, { out, readLine }: CtlOutput): Promise<boolean> {
  out(`${question} [y/N]: `);
  return (await readLine()).trim().toLowerCase() === 'y';
}

function onlyArgument([first = '', extra]: readonly string[], missing: string): string {
  if (first === '') throw wrong(missing);
  if (extra !== undefined) throw wrong(`unknown argument: ${extra}`);
  return first;
}

function refuseExtra(args: readonly string[]): void {
  if (args.length > 0) throw wrong(`unexpected extra arguments: [${args.join(' ')}]`);
}

function textOf({ values }: Flags, flag: string): string {
  const value = values[flag];
  return typeof value === 'string' ? value : '';
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}

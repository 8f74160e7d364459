import { hostname } from 'node:os';
import { DbError, errorText } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import type { MetaHttp } from './meta-http.ts';

interface Added {
  readonly id: number;
}

/** `influxd-ctl join`: finds the meta and data process of this machine and adds them (spec F14, 2.2). */
export async function join(args: readonly string[], meta: MetaHttp): Promise<string> {
  const flags = parseGoFlags(args, { p: 'switch', v: 'switch' });
  if (flags.values['p'] === true)
    throw new DbError('unsupported', 'passive data nodes are not supported in this version');
  const address = flags.rest[0] ?? 'localhost:8091';
  const cluster = meta.at(address);
  const kind = await nodeTypeOf(cluster);
  if (kind === undefined) return unreachable(address);
  if (kind !== 'meta')
    throw new DbError(
      'invalid_argument',
      `operation exited with error: ${address} is not a meta node`,
    );
  const host = hostname();
  const [metaAddress, dataAddress] = [`${host}:8091`, `${host}:8088`];
  const lines = [
    `Joining meta node at ${address}`,
    `Searching for meta node on ${metaAddress}...`,
    `Searching for data node on ${dataAddress}...`,
    '',
  ];
  const add = async (type: 'meta' | 'data', at: string, path: string) =>
    (await nodeTypeOf(meta.at(at))) === type
      ? ((await cluster.post(path, { addr: at })) as Added)
      : undefined;
  const addedMeta = await add('meta', metaAddress, '/join');
  const addedData = await add('data', dataAddress, '/add-data');
  if (addedMeta === undefined && addedData === undefined)
    return [...lines, 'Failed to join cluster.  Run with -v to see more information', ''].join(
      '\n',
    );
  const isFirst = addedMeta?.id === 1;
  lines.push(isFirst ? 'Successfully created cluster' : 'Successfully joined cluster', '');
  lines.push(
    addedLine('meta', metaAddress, addedMeta),
    addedLine('data', dataAddress, addedData),
    '',
  );
  if (isFirst) {
    lines.push('  To join additional nodes to this cluster, run the following command:', '');
    lines.push(`  influxd-ctl join ${metaAddress}`, '');
  }
  return `${lines.join('\n')}\n`;
}

function addedLine(type: string, address: string, added: Added | undefined): string {
  return added === undefined
    ? `  * No ${type} node added.  Run with -v to see more information`
    : `  * Added ${type} node ${added.id} at ${address}`;
}

async function nodeTypeOf(node: MetaHttp): Promise<string | undefined> {
  try {
    return (
      ((await node.get('/status')) as { readonly nodeType?: string } | undefined)?.nodeType ?? ''
    );
  } catch (error) {
    return /timed out/.test(errorText(error)) ? undefined : '';
  }
}

function unreachable(address: string): never {
  const text = [
    '',
    `Unable to connect to ${address}`,
    '',
    'Common problems:',
    '',
    '  * Make sure the address (host and port) are for a meta node',
    `  * Verify a meta node is listening on ${address}`,
    `  * Verify this host can connect to ${address} using TCP`,
  ];
  throw new DbError('unavailable', text.join('\n'));
}

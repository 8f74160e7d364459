import { parseGoFlags } from '../base/go-flags.ts';
import { DbError } from '../base/errors.ts';
import type { MetaCaller } from './meta-http.ts';
import { formatTable } from './table.ts';

interface NodeDocument {
  readonly id: number;
  readonly addr: string;
  readonly tcpAddr: string;
  readonly version: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly passive?: boolean;
}

interface ShardDocument {
  readonly id: number;
  readonly database: string;
  readonly 'retention-policy': string;
  readonly 'replica-n': number;
  readonly 'shard-group-id': number;
  readonly 'start-time': string;
  readonly 'end-time': string;
  readonly 'expire-time': string;
  readonly 'truncated-at': string;
  readonly owners: readonly OwnerDocument[];
}

interface OwnerDocument {
  readonly id: number;
  readonly tcpAddr: string;
  readonly state: string;
  readonly 'last-modified': string;
  readonly size: number;
  readonly err: string;
}

interface MismatchDocument {
  readonly id: number;
  readonly database: string;
  readonly 'retention-policy': string;
  readonly node: { readonly id: number; readonly tcpAddr: string };
  /** A node that does not say what it has comes with the reason, and without a shard. */
  readonly where: 'meta' | 'disk' | 'unknown';
  readonly err?: string | undefined;
}

const goZeroTime = '0001-01-01T00:00:00Z';
const clusterTable = { widthMin: 8, padding: 3 };
const raftTable = { widthMin: 0, padding: 2 };
const shardTable = { widthMin: 0, padding: 2 };

/** `influxd-ctl show` (spec 2.2). */
export async function show(args: readonly string[], meta: MetaCaller): Promise<string> {
  refuseExtra(parseGoFlags(args, {}).rest);
  const cluster = (await meta.get('/show-cluster')) as {
    readonly data: readonly NodeDocument[] | null;
    readonly meta: readonly NodeDocument[] | null;
  };
  const status = (await meta.get('/status')) as {
    readonly leader: string;
    readonly peers: readonly string[] | null;
  };
  const data = (cluster.data ?? []).map((node) => {
    const { id, tcpAddr, addr, version, labels, passive = false } = node;
    return [`${id}`, tcpAddr, addr, version, JSON.stringify(labels), `${passive}`];
  });
  const metas = (cluster.meta ?? []).map((node) => {
    const { id, tcpAddr, addr, version, labels } = node;
    return [`${id}`, tcpAddr, addr, version, JSON.stringify(labels)];
  });
  const dataHead = ['ID', 'TCP Address', 'HTTP Address', 'Version', 'Labels', 'Passive'];
  const metaHead = ['ID', 'Raft Address', 'HTTP Address', 'Version', 'Labels'];
  const peers = (status.peers ?? []).filter((peer) => peer !== status.leader);
  const raft = [
    ['Leader', status.leader],
    ['Peers', `[${peers.map((peer) => `"${peer}"`).join(', ')}]`],
  ];
  return [
    `Data Nodes\n==========\n${formatTable([dataHead, ...data], clusterTable)}`,
    `Meta Nodes\n==========\n${formatTable([metaHead, ...metas], clusterTable)}`,
    `Raft Status\n==========\n${formatTable(raft, raftTable)}`,
  ].join('\n');
}

/** `influxd-ctl show-shards` (spec 2.2). */
export async function showShards(args: readonly string[], meta: MetaCaller): Promise<string> {
  const { values, rest } = parseGoFlags(args, { v: 'switch', m: 'switch', e: 'switch' });
  refuseExtra(rest);
  if (values['m'] === true) return showMismatched(meta);
  const isVerbose = values['v'] === true;
  const asked = [...(isVerbose ? ['verbose'] : []), ...(values['e'] === true ? ['expired'] : [])];
  const query = asked.map((name) => `${name}=true`).join('&');
  const path = query === '' ? '/show-shards' : `/show-shards?${query}`;
  const shards = (await meta.get(path)) as readonly ShardDocument[];
  const head = ['ID', 'Database', 'Retention Policy', 'Desired Replicas', 'Shard Group', 'Start', 'End', 'Expires', 'Owners']; // prettier-ignore
  const rows = shards.map((shard) => {
    const truncated = shard['truncated-at'];
    const owners = [...shard.owners].sort((a, b) => a.id - b.id);
    return [
      `${shard.id}`,
      shard.database,
      shard['retention-policy'],
      `${shard['replica-n']}`,
      `${shard['shard-group-id']}`,
      shard['start-time'],
      truncated === goZeroTime ? shard['end-time'] : `${truncated}*`,
      shard['expire-time'] === goZeroTime ? '' : shard['expire-time'],
      `[${owners.map((owner) => ownerText(owner, isVerbose)).join(' ')}]`,
    ];
  });
  return `Shards\n==========\n${formatTable([head, ...rows], shardTable)}`;
}

/** With -v also how its copy is. */
function ownerText(owner: OwnerDocument, isVerbose: boolean): string {
  const { id, tcpAddr, state, size, err } = owner;
  if (!isVerbose) return `{${id} ${tcpAddr}}`;
  const modified = owner['last-modified'];
  const parts = [`State:${state}`, `LastModified:${modified}`, `Size:${size}`, `Err:${err || '<nil>'}`]; // prettier-ignore
  return `{${id} ${tcpAddr} ${parts.join(' ')}}`;
}

/** `influxd-ctl show-shards -m`: shards that the cluster knows and their owner has not, and the other way round. */
async function showMismatched(meta: MetaCaller): Promise<string> {
  const mismatches = (await meta.get('/show-shards?mismatched=true')) as readonly MismatchDocument[]; // prettier-ignore
  const head = ['ID', 'Database', 'Retention Policy', 'Node', 'Found'];
  const silent = mismatches.filter(({ where }) => where === 'unknown');
  const rows = mismatches
    .filter((one) => !silent.includes(one))
    .map((one) => {
      const where = one.where === 'disk' ? 'on disk only' : 'in meta only';
      const node = `{${one.node.id} ${one.node.tcpAddr}}`;
      return [`${one.id}`, one.database, one['retention-policy'], node, where];
    });
  return `Mismatched Shards
==========
${formatTable([head, ...rows], shardTable)}${silent.map(silentText).join('')}`;
}

function silentText({ node, err = '' }: MismatchDocument): string {
  return `Node ${node.id} was not compared: ${node.tcpAddr}: ${err}\n`;
}

function refuseExtra(args: readonly string[]): void {
  if (args.length > 0)
    throw new DbError('invalid_argument', `unexpected extra arguments: [${args.join(' ')}]`);
}

import { formatGoTime } from '../base/rfc3339.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import { DbError } from '../base/errors.ts';
import type { CtlOutput, MetaCaller } from './meta-http.ts';
import { formatTable } from './table.ts';

interface Ports extends CtlOutput {
  readonly meta: MetaCaller;
}

interface CopyDocument {
  readonly source: string;
  readonly dest: string;
  readonly database: string;
  readonly 'retention-policy': string;
  readonly 'shard-id': number;
  readonly 'total-size': number;
  readonly 'current-size': number;
  readonly 'started-at': string;
  readonly 'bytes-per-second': number;
  readonly state: string;
}

/** Columns that the reference does not have come behind its own. */
const head = ['Source', 'Dest', 'Database', 'Policy', 'ShardID', 'TotalSize', 'CurrentSize', 'StartedAt', 'Rate', 'Left']; // prettier-ignore

/** `influxd-ctl copy-shard` (spec 2.2): answered once the destination owns the shard, however long that takes. */
export async function copyShard(args: readonly string[], { meta, out }: Ports): Promise<void> {
  const named = copyOf(args);
  await meta.post('/copy-shard', named, { isPatient: true });
  out(`Copied shard ${named.shard} from ${named.src} to ${named.dest}\n`);
}

/** `influxd-ctl kill-copy-shard`: answered once the destination has nothing of the shard any more. */
export async function killCopyShard(args: readonly string[], { meta, out }: Ports): Promise<void> {
  const named = copyOf(args);
  await meta.post('/kill-copy-shard', named, { isPatient: true });
  out(`Killed copy of shard ${named.shard} from ${named.src} to ${named.dest}\n`);
}

/** `influxd-ctl copy-shard-status`. */
export async function copyShardStatus(
  args: readonly string[],
  { meta, out }: Ports,
): Promise<void> {
  // prettier-ignore
  const { rest } = parseGoFlags(args, {});
  if (rest.length > 0) throw wrong(`unexpected extra arguments: [${rest.join(' ')}]`);
  const copies = (await meta.get('/copy-shard-status')) as readonly CopyDocument[];
  const rows = copies.map((copy) => [
    copy.source,
    copy.dest,
    copy.database,
    copy['retention-policy'],
    `${copy['shard-id']}`,
    `${copy['total-size']}`,
    `${copy['current-size']}`,
    formatGoTime(BigInt(copy['started-at'])),
    copy.state === 'copying' ? `${copy['bytes-per-second']}/s` : copy.state,
    leftOf(copy),
  ]);
  out(formatTable([head, ...rows], { widthMin: 0, padding: 2 }));
}

/** Undefined texts are of what nobody can say yet. */
function leftOf(copy: CopyDocument): string {
  const rate = copy['bytes-per-second'];
  const leftBytes = copy['total-size'] - copy['current-size'];
  if (copy.state !== 'copying' || rate === 0 || copy['total-size'] === 0) return '-';
  return `${Math.ceil(leftBytes / rate)}s`;
}

/** Throws the reference's texts. */
function copyOf(args: readonly string[]): {
  readonly src: string;
  readonly dest: string;
  readonly shard: string;
} {
  // prettier-ignore
  const [src = '', dest = '', shard = '', extra] = parseGoFlags(args, {}).rest;
  if (src === '') throw wrong('srcAddr is required');
  if (dest === '') throw wrong('destAddr is required');
  if (shard === '') throw wrong('shardID is required');
  if (extra !== undefined) throw wrong(`unknown argument: ${extra}`);
  if (src === dest) throw wrong('destAddr and srcAddr are the same');
  refuseNoShard(shard);
  return { src, dest, shard };
}

/** Throws the reference's texts for what is no shard's number. */
export function refuseNoShard(text: string): void {
  if (!/^-?\d{1,15}$/.test(text)) throw wrong(`error converting shardID to int: ${text}`);
  if (Number(text) <= 0) throw wrong('shardID must be greater than 0');
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}

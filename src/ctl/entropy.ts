/**
 * `influxd-ctl entropy` (spec 2.2). `show`: shards whose owners have not the same points. They are asked for digests, and not for
 * points: one digest comes whole, the others only where they differ from it. Shards whose time has not passed are left out, as
 * in the reference: what is on its way to an owner would be a difference.
 */
import { crc32 } from 'node:zlib';
import { inLanes } from '../base/async/in-lanes.ts';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import { formatRfc3339 } from '../base/rfc3339.ts';
import { isOfNothing, sumWords } from '../data/engine/digests/hash-values.ts';
import { ClusterRepairs } from '../data/repair/cluster-repairs.ts';
import { digestMethod } from '../meta/client/digest-methods.ts';
import { endOfGroup, rangeOfGroup } from '../meta/model/shard-groups.ts';
import type { Catalog, RetentionPolicy, ShardGroup } from '../meta/model/catalog.ts';
import type { BackupCommandPorts } from './backup.ts';
import { ClusterRpc, withoutSecret } from './cluster-rpc.ts';
import { formatTable } from './table.ts';

/** This is none of the nodes. */
const noNode = 0;
/** A digest reads all of a shard. */
const shardsAtOnce = 2;
/** The longest silence. */
const deadlineMs = 60_000;

interface Compared {
  readonly id: number;
  readonly database: string;
  readonly policy: RetentionPolicy;
  readonly group: ShardGroup;
  /** host:8088. */
  readonly owners: readonly string[];
}

/** What one owner says; undefined for a digest that is the first one's. */
type Answer =
  | { readonly kind: 'digest'; readonly digest: Uint32Array | undefined }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly reason: string };

export async function entropy(args: readonly string[], ports: BackupCommandPorts): Promise<void> {
  const [action = '', ...more] = args;
  if (action !== 'show' && action !== 'repair' && action !== 'kill-repair')
    throw new DbError('invalid_argument', 'expected one of: show, repair, kill-repair');
  const { values, rest } = parseGoFlags(more, action === 'show' ? { v: 'switch' } : {});
  const shardId = action === 'show' ? 0 : shardIdOf(rest[0]);
  const extra = action === 'show' ? rest : rest.slice(1);
  if (extra.length > 0)
    throw new DbError('invalid_argument', `unexpected extra arguments: [${extra.join(' ')}]`);
  const cluster = new ClusterRpc({ ...ports, secret: ports.internalSecret });
  try {
    const catalog = await cluster.catalog();
    const repairs = new ClusterRepairs({
      meta: { catalog, nodeId: noNode },
      rpc: cluster.rpc,
      service: () => undefined,
    });
    if (action === 'repair') {
      await refusable(repairs.queue(shardId));
      ports.out(`Repair Shard ${shardId} queued\n`);
    } else if (action === 'kill-repair') {
      await refusable(repairs.cancel(shardId, { isLocal: false }));
      ports.out(`Repair Shard ${shardId} killed\n`);
    } else {
      const shards = comparable(catalog, cluster.clock.wallNs());
      const compared = await inLanes(shards, shardsAtOnce, async (shard) => {
        return { shard, answers: await ask(cluster, shard) };
      });
      ports.out(shown(compared, values['v'] === true));
      const queued = (await repairs.list({ isLocal: false })).filter(({ isQueued }) => isQueued);
      if (queued.length > 0)
        ports.out(`Queued Shards: [${queued.map((one) => one.shardId).join(' ')}]\n`);
    }
  } catch (error) {
    throw isDbError(error, 'unauthenticated') ? withoutSecret(error) : error;
  } finally {
    await cluster.close();
  }
}

/** What nodes refuse is said as it is of other commands. */
async function refusable(asked: Promise<void>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!isDbError(error) || error.code === 'unauthenticated') throw error;
    throw new DbError(error.code, `operation exited with error: ${error.message}`, {
      cause: error,
    });
  }
}

function shardIdOf(text: string | undefined): number {
  if (text === undefined) throw new DbError('invalid_argument', 'shard ID is required');
  if (!/^[1-9]\d{0,15}$/.test(text))
    throw new DbError('invalid_argument', `invalid shard ID: ${text}`);
  return Number(text);
}

/** Those of several owners whose time has passed. */
function comparable({ databases, dataNodes }: Catalog, nowNs: bigint): readonly Compared[] {
  const addresses = new Map(dataNodes.map(({ id, tcpAddress }) => [id, tcpAddress]));
  return databases.flatMap(({ name: database, retentionPolicies }) =>
    retentionPolicies.flatMap((policy) =>
      policy.shardGroups
        .filter((group) => group.deletedAtNs === undefined && endOfGroup(group) <= nowNs)
        .flatMap((group) =>
          group.shards
            .filter(({ owners, restoreIndex }) => owners.length > 1 && restoreIndex === undefined)
            .map(({ id, owners }) => {
              const nodes = owners.map((owner) => addresses.get(owner) ?? '');
              return { id, database, policy, group, owners: nodes };
            }),
        ),
    ),
  );
}

async function ask(cluster: ClusterRpc, shard: Compared): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let known: number | undefined;
  for (const owner of shard.owners) {
    const answer = await askOwner(cluster, shard, { owner, known });
    answers.push(answer);
    if (known === undefined && answer.kind === 'digest' && answer.digest !== undefined)
      known = crc32(new Uint8Array(answer.digest.buffer));
  }
  return answers;
}

async function askOwner(
  { rpc }: ClusterRpc,
  { id: shardId, group }: Compared,
  { owner, known }: { readonly owner: string; readonly known: number | undefined },
): Promise<Answer> {
  try {
    const request = { shardId, ...rangeOfGroup(group), known, isAnew: false };
    for await (const { digest, isMissing } of rpc.stream(owner, digestMethod, request, {
      deadlineMs,
    })) {
      // prettier-ignore
      if (isMissing) return { kind: 'missing' };
      if (digest === undefined) continue;
      const words = digest.length === 0 ? undefined : new Uint32Array(digest.slice().buffer);
      return { kind: 'digest', digest: words };
    }
    return { kind: 'failed', reason: `${owner} gave no digest` };
  } catch (error) {
    if (!isDbError(error) || isDbError(error, 'unauthenticated')) throw error;
    return { kind: 'failed', reason: `${owner}: ${errorText(error)}` };
  }
}

interface Result {
  readonly shard: Compared;
  readonly answers: readonly Answer[];
}

function shown(results: readonly Result[], isVerbose: boolean): string {
  const head = ['ID', 'Database', 'Retention Policy', 'Start', 'End', 'Expires', 'Status'];
  const differing = results.filter(({ answers }) => statusOf(answers) !== '');
  const rows = differing.map(({ shard: { id, database, policy, group }, answers }) => {
    const { name, durationNs } = policy;
    const expires = durationNs === 0n ? '' : goTime(group.endNs + durationNs);
    return [`${id}`, database, name, goTime(group.startNs), goTime(group.endNs), expires, statusOf(answers)]; // prettier-ignore
  });
  const details = isVerbose ? differing.map(detailOf) : [];
  const failed = results.flatMap(
    ({ shard, answers }) =>
    answers.flatMap((one) => (one.kind === 'failed' ? `Shard ${shard.id} was not compared: ${one.reason}\n` : [])), // prettier-ignore
  );
  return ['Entropy\n==========\n', formatTable([head, ...rows], { widthMin: 0, padding: 2 }), ...details, ...failed].join(''); // prettier-ignore
}

function statusOf(answers: readonly Answer[]): string {
  const digests = answers.filter((one) => one.kind === 'digest');
  // Nobody has been written to; a copy of nothing is a shard as well.
  if (digests.every(({ digest }) => digest === undefined || isOfNothing(digest))) return '';
  if (answers.some(({ kind }) => kind === 'missing')) return 'missing';
  // The first one comes whole, and every other that is not the same.
  return digests.filter(({ digest }) => digest !== undefined).length > 1 ? 'diff' : '';
}

/** How much each owner has, and in how many parts of its series and time it is not what the first one has. */
function detailOf({ shard, answers }: Result): string {
  const first = answers.find((one) => one.kind === 'digest')?.digest;
  return answers
    .map((answer, i) => {
      const owner = `Shard ${shard.id}, ${shard.owners[i] ?? ''}: `;
      if (answer.kind === 'failed') return '';
      if (answer.kind === 'missing' || first === undefined) return `${owner}nothing\n`;
      const digest = answer.digest ?? first;
      let [points, parts] = [0, 0];
      for (let at = 0; at < digest.length; at += sumWords) {
        points += digest[at] ?? 0;
        if ([0, 1, 2].some((word) => digest[at + word] !== first[at + word])) parts++;
      }
      return `${owner}${points} values, ${parts} of ${digest.length / sumWords} parts differ\n`;
    })
    .join('');
}

function goTime(timeNs: bigint): string {
  return formatRfc3339(timeNs).replace('T', ' ').replace('Z', ' +0000 UTC');
}

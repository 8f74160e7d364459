import { DbError, errorText } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import { confirms, type ChangePorts } from './change-nodes.ts';
import { isNobodyThere, type MetaCaller } from './meta-http.ts';

export interface LeavePorts extends ChangePorts {
  /** Name of this machine, as the other nodes reach it. */
  readonly hostname: string;
}

interface NodeStatus {
  readonly nodeType?: string;
  readonly nodeStatus?: string;
  readonly tcpAddr?: string;
  readonly metaAddrs?: readonly string[];
  readonly leader?: string;
}

/** How the removal of one kind of node went, as the last lines say it. */
interface Outcome {
  readonly isRemoved: boolean;
  readonly line: string;
}

/** `influxd-ctl leave`: takes the data and the meta node of this machine out of their cluster (spec F14, 2.2). */
export async function leave(args: readonly string[], ports: LeavePorts): Promise<void> {
  const { values, rest } = parseGoFlags(args, { y: 'switch' });
  if (rest.length > 0)
    throw new DbError('invalid_argument', `unexpected extra arguments: [${rest.join(' ')}]`);
  const isAsked = values['y'] !== true;
  const { out } = ports;
  const data = await leaveData(ports, isAsked);
  if (data.isRemoved) out(`Removed ${ports.hostname}:8088 from the cluster\n`);
  const outcomes = [data, await leaveMeta(ports, isAsked)];
  const isAny = outcomes.some(({ isRemoved }) => isRemoved);
  out(`\n${isAny ? 'Successfully left cluster' : 'No nodes removed from cluster.'}\n\n`);
  for (const { line } of outcomes) out(`  * ${line}\n`);
}

function leaveData(ports: LeavePorts, isAsked: boolean): Promise<Outcome> {
  const { meta, hostname } = ports;
  const at = `${hostname}:8088`;
  return remove({ kind: 'data', at, isAsked }, ports, (status) => {
    if (status.nodeStatus !== 'joined') return undefined;
    const metas = [meta, ...(status.metaAddrs ?? []).map((address) => meta.at(address))];
    return () => removeBy(metas, status.tcpAddr ?? at);
  });
}

/** By the first meta node that is there: of those that the data node knows none may be on this machine, where -bind looks for one. */
async function removeBy(metas: readonly MetaCaller[], addr: string): Promise<void> {
  let failure: unknown;
  for (const meta of metas) {
    try {
      await meta.post('/remove-data', { addr });
      return;
    } catch (error) {
      if (!isNobodyThere(error)) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

function leaveMeta(ports: LeavePorts, isAsked: boolean): Promise<Outcome> {
  const { meta, hostname } = ports;
  const at = `${hostname}:8091`;
  return remove({ kind: 'meta', at, isAsked }, ports, (status) => {
    if ((status.leader ?? '') === '') return undefined;
    return () => meta.at(at).post('/leave', {});
  });
}

/** `removalOf` answers how a node of this status is removed; undefined when it is of no cluster. */
async function remove(
  node: { readonly kind: 'data' | 'meta'; readonly at: string; readonly isAsked: boolean },
  ports: LeavePorts,
  removalOf: (status: NodeStatus) => (() => Promise<unknown>) | undefined,
): Promise<Outcome> {
  const { kind, at, isAsked } = node;
  ports.out(`Searching for ${kind} node on ${at}...\n`);
  const status = await statusOf(ports.meta.at(at, { isData: kind === 'data' }));
  if (status?.nodeType !== kind) return kept(`No ${kind} node found.`);
  const removal = removalOf(status);
  if (removal === undefined) {
    const name = kind === 'data' ? 'Data' : 'Meta';
    return kept(`${name} node at ${at} is not part of a cluster`);
  }
  if (isAsked && !(await confirms(`Remove ${kind} node ${at} from the cluster`, ports)))
    return kept(`No ${kind} node removed from cluster`);
  try {
    await removal();
    return { isRemoved: true, line: `Removed ${kind} node ${at} from cluster` };
  } catch (error) {
    const text = errorText(error);
    return kept(`${text.charAt(0).toUpperCase()}${text.slice(1)}`);
  }
}

async function statusOf(node: MetaCaller): Promise<NodeStatus | undefined> {
  return (await node.get('/status').catch(() => undefined)) as NodeStatus | undefined;
}

function kept(line: string): Outcome {
  return { isRemoved: false, line };
}

import { DbError, errorText } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import type { CtlOutput, MetaCaller } from './meta-http.ts';

export interface JoinPorts extends CtlOutput {
  readonly meta: MetaCaller;
  /** Name of this machine, as the other nodes reach it. */
  readonly hostname: string;
}

interface Kind {
  readonly name: 'meta' | 'data';
  readonly process: string;
  readonly port: number;
  readonly command: string;
  readonly route: string;
}

const kinds = [
  { name: 'meta', process: 'influxd-meta', port: 8091, command: 'add-meta', route: '/join' },
  { name: 'data', process: 'influxd', port: 8088, command: 'add-data', route: '/add-data' },
] as const satisfies readonly Kind[];

/** How the adding of one kind of node went. */
type Outcome =
  | { readonly how: 'added'; readonly id: number }
  | { readonly how: 'missing' }
  | { readonly how: 'refused'; readonly reason: string };

/** `influxd-ctl join`: finds the meta and data process of this machine and adds them (spec F14, 2.2). */
export async function join(args: readonly string[], ports: JoinPorts): Promise<void> {
  const flags = parseGoFlags(args, { p: 'switch', v: 'switch' });
  const isPassive = flags.values['p'] === true;
  const [address = 'localhost:8091', ...extra] = flags.rest;
  if (extra.length > 0)
    throw new DbError('invalid_argument', `unexpected extra arguments: [${extra.join(' ')}]`);
  const { out, meta, hostname } = ports;
  const cluster = meta.at(address);
  await assertMeta(address, cluster);
  out(`Joining meta node at ${address}\n`);
  const outcomes: { readonly kind: Kind; readonly at: string; readonly outcome: Outcome }[] = [];
  for (const kind of kinds) {
    const at = `${hostname}:${kind.port}`;
    out(`Searching for ${kind.name} node on ${at}...\n`);
    outcomes.push({
      kind,
      at,
      outcome: await add(kind, at, {
        cluster,
        node: meta.at(at, { isData: kind.name === 'data' }),
        isPassive,
      }),
    });
  }
  out('\n');
  if (flags.values['v'] === true)
    for (const one of outcomes) explain({ ...one, address, hostname }, ports);
  summarize(outcomes, ports);
}

/** Throws what the user is to read when the address is of no meta node, or of nobody. */
async function assertMeta(address: string, cluster: MetaCaller): Promise<void> {
  let kind: string | undefined;
  try {
    kind = await nodeTypeOf(cluster);
  } catch (error) {
    if (!/timed out/.test(errorText(error))) throw error;
    const lines = [
      '',
      `Unable to connect to ${address}`,
      '',
      `  ${errorText(error)}`,
      '',
      'Common problems:',
      '',
      '  * Make sure the address (host and port) are for a meta node',
      `  * Verify a meta node is listening on ${address}`,
      `  * Verify this host can connect to ${address} using TCP`,
    ];
    throw new DbError('unavailable', lines.join('\n'), { cause: error });
  }
  if (kind === 'meta') return;
  const text = `operation exited with error: ${address} is not a meta node`;
  throw new DbError('invalid_argument', text);
}

async function nodeTypeOf(node: MetaCaller): Promise<string | undefined> {
  const status = (await node.get('/status')) as { readonly nodeType?: string } | undefined;
  return status?.nodeType;
}

async function add(
  kind: Kind,
  addr: string,
  {
    cluster,
    node,
    isPassive,
  }: { readonly cluster: MetaCaller; readonly node: MetaCaller; readonly isPassive: boolean },
): Promise<Outcome> {
  const found = await nodeTypeOf(node).catch(() => undefined);
  if (found !== kind.name) return { how: 'missing' };
  try {
    const passive = isPassive && kind.name === 'data' ? { passive: 'true' } : {};
    const made = await cluster.post(kind.route, { addr, ...passive });
    const { id } = made as { readonly id: number };
    return { how: 'added', id };
  } catch (error) {
    return { how: 'refused', reason: errorText(error) };
  }
}

interface Explained {
  readonly kind: Kind;
  readonly at: string;
  readonly outcome: Outcome;
  readonly address: string;
  readonly hostname: string;
}

/** What `-v` says of a node that was not added. */
function explain(
  { kind, at, outcome, address, hostname }: Explained,
  { out, err }: CtlOutput,
): void {
  if (outcome.how === 'refused')
    out(`Failed to add ${kind.name} node ${at}!\n\n  Reason:\n\n    ${outcome.reason}\n\n`);
  if (outcome.how !== 'missing') return;
  out(`No ${kind.name} node found on ${at}!

  If a ${kind.name} node is running on this host,
  you may need to add it manually using the following command:

  influxd-ctl -bind ${address} ${kind.command} ${hostname}:<port>

`);
  err(`  Common problems:

    * The ${kind.process} process is using a non-standard port (default ${kind.port})
    * The ${kind.process} process is not running.  Check the logs for startup errors

`);
}

function summarize(
  outcomes: readonly { readonly kind: Kind; readonly at: string; readonly outcome: Outcome }[],
  { out }: CtlOutput,
): void {
  if (!outcomes.some(({ outcome }) => outcome.how === 'added')) {
    out('Failed to join cluster.  Run with -v to see more information\n');
    return;
  }
  const [first] = outcomes;
  const isFirst = first?.outcome.how === 'added' && first.outcome.id === 1;
  const lines = outcomes.map(({ kind, at, outcome }) =>
    outcome.how === 'added'
      ? `  * Added ${kind.name} node ${outcome.id} at ${at}`
      : `  * No ${kind.name} node added.  Run with -v to see more information`,
  );
  out(`Successfully ${isFirst ? 'created' : 'joined'} cluster\n\n${lines.join('\n')}\n`);
  if (!isFirst) return;
  out('\n  To join additional nodes to this cluster, run the following command:\n');
  out(`\n  influxd-ctl join ${first.at}\n`);
}

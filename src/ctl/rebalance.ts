/** `influxd-ctl rebalance`, `replace-data` and `decommission`: ours (decision 40). */
import { DbError } from '../base/errors.ts';
import { formatGoTime } from '../base/rfc3339.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import type { CtlOutput, MetaCaller } from './meta-http.ts';
import { formatTable } from './table.ts';

interface Ports extends CtlOutput {
  readonly meta: MetaCaller;
}

interface MoveDocument {
  readonly 'shard-id': number;
  readonly database: string;
  readonly 'retention-policy': string;
  readonly from: string;
  readonly to: string;
  readonly size: number;
  readonly reason: string;
}

interface StatusDocument {
  readonly goal: string;
  readonly state: string;
  readonly 'started-at': string;
  readonly 'ended-at': string;
  readonly moves: readonly (MoveDocument & {
    readonly state: string;
    readonly done: number;
    readonly rate: number;
  })[];
}

const table = { widthMin: 0, padding: 2 };
const moveHead = ['ShardID', 'Database', 'Policy', 'Size', 'From', 'To', 'Reason'];
const statusHead = ['ShardID', 'Database', 'Policy', 'From', 'To', 'State', 'Size', 'Done', 'Rate', 'Reason']; // prettier-ignore

/** What is to be done where nothing goes on by itself. */
const failedText = 'A plan does not end with failed moves: "rebalance resume" tries them again, "rebalance stop" leaves them. What a lost node alone has is given up by "rebalance stop" and "remove-data -force".\n'; // prettier-ignore

/** `influxd-ctl rebalance plan|run|pause|resume|stop|status`. */
export async function rebalance(args: readonly string[], { meta, out }: Ports): Promise<void> {
  const [action = '', ...rest] = parseGoFlags(args, {}).rest;
  refuseExtra(rest);
  switch (action) {
    case 'plan':
    case 'run':
      out(plannedText(await meta.post('/rebalance', { action }, { isPatient: true }), action === 'plan')); // prettier-ignore
      return;
    case 'pause':
    case 'resume':
    case 'stop':
      await meta.post('/rebalance', { action }, { isPatient: true });
      out({ pause: 'Paused.\n', resume: 'Resumed.\n', stop: 'Stopped.\n' }[action]);
      return;
    case 'status':
      out(statusText((await meta.get('/rebalance')) as StatusDocument | null));
      return;
  }
  throw wrong(action === '' ? 'an action is required' : `unknown action: ${action}`);
}

/** `influxd-ctl decommission`: the node owns nothing at the end, and leaves the cluster. */
export async function decommission(args: readonly string[], { meta, out }: Ports): Promise<void> {
  const { values, rest } = parseGoFlags(args, nodeFlags);
  const [addr = '', ...extra] = rest;
  if (addr === '') throw wrong('tcpAddr is required');
  refuseExtra(extra);
  const made = await meta.post('/decommission', { addr, ...wishOf(values) }, { isPatient: true });
  out(plannedText(made, values['plan'] === true));
}

/** `influxd-ctl replace-data`: what the old node owns goes to the new one, and the old one leaves the cluster. */
export async function replaceData(args: readonly string[], { meta, out }: Ports): Promise<void> {
  const { values, rest } = parseGoFlags(args, nodeFlags);
  const [oldAddr = '', newAddr = '', ...extra] = rest;
  if (oldAddr === '') throw wrong('oldAddr is required');
  if (newAddr === '') throw wrong('newAddr is required');
  refuseExtra(extra);
  const form = { oldAddr, newAddr, ...wishOf(values) };
  const made = await meta.post('/replace-data', form, { isPatient: true });
  out(plannedText(made, values['plan'] === true));
}

const nodeFlags = { plan: 'switch', keep: 'switch' } as const;

function wishOf(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return {
    ...(values['plan'] === true && { plan: 'true' }),
    ...(values['keep'] === true && { keep: 'true' }),
  };
}

function plannedText(document: unknown, isDry: boolean): string {
  const { moves } = document as { readonly moves: readonly MoveDocument[] };
  const rows = moves.map((move) => [
    `${move['shard-id']}`,
    move.database,
    move['retention-policy'],
    `${move.size}`,
    move.from,
    move.to === '' ? '-' : move.to,
    move.reason,
  ]);
  const going = moves.filter(({ reason }) => reason === '');
  const bytes = going.reduce((sum, { size }) => sum + size, 0);
  const verb = isDry ? 'to make' : 'begun';
  const stuck = moves.length - going.length;
  const rest = stuck === 0 ? '' : `, ${stuck} cannot`;
  return `${formatTable([moveHead, ...rows], table)}\n${going.length} moves ${verb}, ${bytes} bytes${rest}\n`;
}

function statusText(status: StatusDocument | null): string {
  if (status === null) return 'No plan.\n';
  const { goal, state, moves } = status;
  const rows = moves.map((move) => [
    `${move['shard-id']}`,
    move.database,
    move['retention-policy'],
    move.from === '' ? '-' : move.from,
    move.to === '' ? '-' : move.to,
    move.state,
    `${move.size}`,
    `${move.done}`,
    move.rate === 0 ? '-' : `${move.rate}/s`,
    move.reason,
  ]);
  const count = (wanted: (state: string) => boolean) => moves.filter((move) => wanted(move.state)).length; // prettier-ignore
  const done = count((one) => one === 'done' || one === 'left');
  const failed = count((one) => one === 'failed');
  const doneBytes = moves.reduce((sum, move) => sum + move.done, 0);
  const bytes = moves.reduce((sum, { size }) => sum + size, 0);
  const ended = state === 'ended' ? `, ended ${formatGoTime(BigInt(status['ended-at']))}` : '';
  return [
    `Goal: ${goal}, ${state}, began ${formatGoTime(BigInt(status['started-at']))}${ended}`,
    `Moves: ${done} of ${moves.length} done, ${failed} failed, ${doneBytes} of ${bytes} bytes`,
    '',
    formatTable([statusHead, ...rows], table),
    ...(failed > 0 && state !== 'ended' ? [failedText] : []),
  ].join('\n');
}

function refuseExtra(args: readonly string[]): void {
  if (args.length > 0) throw wrong(`unexpected extra arguments: [${args.join(' ')}]`);
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}

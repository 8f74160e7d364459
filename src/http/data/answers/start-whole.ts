import { Buffer } from 'node:buffer';
import { listBytesMax } from '../../../data/statements/schema/known-lists.ts';
import type { QueryRequest } from '../../../data/statements/statement-executor.ts';
import { heldBytesMax } from '../../../data/engine/answers/answer-task.ts';
import type { StartedAnswer } from '../../../data/statements/started-answer.ts';
import { Pacer } from '../../../query/run/pacer.ts';
import type { DataApiPorts } from '../data-api-options.ts';
import type { AnswerFormat } from './answer-format.ts';
import { wholeAnswer } from './whole-answer.ts';

export interface AnswerOptions {
  readonly ports: Pick<DataApiPorts, 'executor' | 'clock'>;
  /** 0 is no limit. */
  readonly rowsMax: number;
}

/** Starts the one document that answers a request: made by one worker where that can be, else piece by piece. */
export async function startWhole(
  query: QueryRequest,
  format: AnswerFormat,
  { ports, rowsMax }: AnswerOptions,
): Promise<StartedAnswer> {
  const { executor } = ports;
  const { plainJson } = format;
  const isPlain = plainJson !== undefined && rowsMax === 0;
  const found = isPlain ? executor.listed(query) : undefined;
  const listed = found instanceof Promise ? await found : found;
  if (Buffer.isBuffer(listed)) return { kind: 'whole', bytes: listed, isKept: true };
  if (isPlain) {
    const started = await executor.answer({ ...query, heldBytesMax, listing: listed }, plainJson);
    if (started?.kind === 'whole') listed?.keep(started.bytes);
    if (started !== undefined) return started;
  }
  const held = format.isStreamed ? heldBytesMax : Infinity;
  const results = executor.execute({ ...query, heldBytesMax: held, listing: listed });
  const parts = wholeAnswer(results, format.open(), { rowsMax, pacer: pacerOf(query, ports) });
  const first = await parts.next();
  if (first.done === true) return { kind: 'whole', bytes: Buffer.alloc(0) };
  const second = await parts.next();
  if (second.done === true) {
    listed?.keep(first.value);
    return { kind: 'whole', bytes: first.value };
  }
  const taken = [first.value, second.value];
  const whole = listed && (await shortWhole(taken, parts));
  if (whole === undefined) return { kind: 'parts', taken, parts };
  listed?.keep(whole);
  return { kind: 'whole', bytes: whole };
}

/** All parts as one, where they are no more than a list that is kept; else more of them have been taken. */
async function shortWhole(
  taken: Buffer[],
  parts: AsyncGenerator<Buffer>,
): Promise<Buffer | undefined> {
  let lengthBytes = taken.reduce((sum, { length }) => sum + length, 0);
  while (lengthBytes <= listBytesMax) {
    const next = await parts.next();
    if (next.done === true) return Buffer.concat(taken);
    lengthBytes += next.value.length;
    taken.push(next.value);
  }
  return undefined;
}

export function pacerOf({ signal }: QueryRequest, { clock }: Pick<DataApiPorts, 'clock'>): Pacer {
  return new Pacer({ clock, turn: () => clock.sleep(0), signal });
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareServer } from '../conformance/replay.ts';
import { StepSender } from '../conformance/send-step.ts';

export interface Asked {
  readonly q: string;
  /** What the request says besides `q`, `db` and `epoch=ns`. */
  readonly more?: Readonly<Record<string, string>>;
  readonly accept?: string;
  readonly answer: string;
}

interface AskedHead {
  readonly setup: readonly string[];
  readonly database: string;
  readonly lines: readonly string[];
}

export const askedPath = join(import.meta.dirname, 'testdata/asked-again.jsonl');

/** Statements that were once answered otherwise than by a real influxd 1.12.4, and what it answered. */
export function readAsked(): { readonly head: AskedHead; readonly asked: readonly Asked[] } {
  const [head = '', ...rest] = readFileSync(askedPath, 'utf8').trimEnd().split('\n');
  return { head: JSON.parse(head) as AskedHead, asked: rest.map((line) => JSON.parse(line) as Asked) }; // prettier-ignore
}

/** The same statements with the answers of an empty server, in their order: some of them change what the next ones see. */
export async function askAgain(
  url: string,
  { setup, database, lines }: AskedHead,
  asked: readonly Omit<Asked, 'answer'>[],
): Promise<readonly Asked[]> {
  const sender = new StepSender(url);
  const answers: Asked[] = [];
  try {
    const writes = [{ params: { db: database }, body: lines.join('\n') }];
    await prepareServer(url, { setup, writes, cases: [] });
    for (const one of asked) {
      const params = { db: database, epoch: 'ns', ...one.more, q: one.q };
      const headers = one.accept === undefined ? {} : { Accept: one.accept };
      const { text } = await sender.send({ method: 'POST', path: '/query', params, headers });
      answers.push({ ...one, answer: text.trim() });
    }
  } finally {
    sender.close();
  }
  return answers;
}

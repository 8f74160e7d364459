/** What workers and other nodes are asked where they answer by themselves, made once for each statement that stays the same. */
import { taskText, type AnswerForm, type AnswerRequest, type AnswerTask, type AskedAnswer } from '../engine/answers/answer-task.ts'; // prettier-ignore
import { RecentMap } from '../../base/collections/recent-map.ts';
import { MiB } from '../../base/units.ts';
import { askedOf, type AskedText } from '../shards/asked-answer.ts';
import type { SelectContext, SelectPorts } from './select-context.ts';
import type { PreparedSelect } from './select-runner.ts';

export interface Asking {
  readonly form: AnswerForm;
  readonly context: SelectContext;
  readonly ports: SelectPorts;
  /** Of the only place, where others answer for the rest of its shards; absent for all shards. */
  readonly shareIds?: readonly number[] | undefined;
}

/** Of one statement: past so many forms and lists of shards all are forgotten. */
const textsMax = 16;

/** Longer ones, which name thousands of measurements, are few of all statements together. */
const keptLengthMax = 65_536;
const longKeptMax = { countMax: 64, weightMax: 4 * MiB };

/** By what is asked of a statement; 'none' for what is not answered so. */
class Texts<Text> {
  readonly #known = new WeakMap<PreparedSelect, Map<string, Text | 'none'>>();
  /** The last one of a statement. */
  readonly #long = new RecentMap<PreparedSelect, { readonly key: string; readonly text: Text | 'none' }>(longKeptMax); // prettier-ignore

  find(prepared: PreparedSelect, key: string): Text | 'none' | undefined {
    const known = this.#known.get(prepared)?.get(key);
    if (known !== undefined) return known;
    const long = this.#long.get(prepared);
    return long?.key === key ? long.text : undefined;
  }

  keep(prepared: PreparedSelect, key: string, text: Text | 'none'): void {
    if (typeof text === 'string' && text.length > keptLengthMax) {
      this.#long.set(prepared, { key, text }, text.length);
      return;
    }
    const ofPrepared = this.#known.get(prepared) ?? new Map<string, Text | 'none'>();
    if (ofPrepared.size >= textsMax) ofPrepared.clear();
    this.#known.set(prepared, ofPrepared.set(key, text));
  }
}

const ownTexts = new Texts<string>();
const askedTexts = new Texts<AskedText>();

/** What a worker of this node is asked; undefined for what none answers by itself. */
export function ownRequest(prepared: PreparedSelect, asking: Asking): AnswerRequest | undefined {
  const { text, isKept } = textIn(ownTexts, { prepared, asking }, taskText);
  if (text === undefined) return undefined;
  const { nowNs } = asking.context;
  const isShare = asking.shareIds !== undefined;
  return { text, nowNs, isKept, times: timesOf(prepared), ...(isShare && { isShare }) };
}

/** The same of another node, and what stands for it at any time. */
export interface Asked {
  readonly asked: AskedAnswer;
  readonly kept: AskedText;
}

/** Templates are of shares alone: without their own times they are other statements. */
export function askedRequest(prepared: PreparedSelect, asking: Asking): Asked | undefined {
  const { nowNs } = asking.context;
  if (asking.shareIds === undefined) {
    const { template } = prepared;
    const own = template === undefined ? prepared : { ...prepared, template: undefined };
    const { text } = textIn(askedTexts, { prepared: own, asking }, askedOf);
    return text && { asked: { ...text, nowNs }, kept: text };
  }
  const { text } = textIn(askedTexts, { prepared, asking }, askedOf);
  const times = timesOf(prepared);
  if (text === undefined) return undefined;
  if (times === undefined) return { asked: { ...text, nowNs, isShare: true }, kept: text };
  const { minNs: minTimeNs, maxNs: maxTimeNs } = times.shards;
  const asked = { ...text, minTimeNs, maxTimeNs, nowNs, isShare: true, ownTimes: times.own };
  return { asked, kept: text };
}

function timesOf({ template, compiled, range }: PreparedSelect): AnswerRequest['times'] {
  return template && { own: compiled.range, shards: range };
}

/** Of a template the shards are those of now: those of another time are another task. */
function textIn<Text>(
  texts: Texts<Text>,
  { prepared, asking }: { readonly prepared: PreparedSelect; readonly asking: Asking },
  make: (task: AnswerTask) => Text | undefined,
): { readonly text: Text | undefined; readonly isKept: boolean } {
  const { template, places, plans } = prepared;
  const key = keyOf(prepared, asking);
  const of = template ?? prepared;
  const known = texts.find(of, key);
  if (known !== undefined) return { text: known === 'none' ? undefined : known, isKept: true };
  const text = make(taskOf(template === undefined ? prepared : { ...template, places }, asking));
  // What is prepared anew each time would never be found again.
  const isKept = template !== undefined;
  if (isKept || plans !== undefined) texts.keep(of, key, text ?? 'none');
  return { text, isKept };
}

function taskOf(
  { compiled, range, places }: PreparedSelect,
  { form, context, ports, shareIds }: Asking,
): AnswerTask {
  const { seriesMax, pointsMax } = ports.accounts.limits;
  const { bucketsMax } = context;
  return {
    statement: compiled.statement,
    range,
    places: places.map(({ shards, ...place }) => ({ ...place, shardIds: shareIds ?? shards.map(({ id }) => id) })), // prettier-ignore
    ...{ bucketsMax, seriesMax, pointsMax, ...form },
  };
}

function keyOf({ template, places }: PreparedSelect, { form, shareIds }: Asking): string {
  const key = `${form.epochUnitNs} ${form.chunkRowsMax}`;
  if (shareIds !== undefined) return `${key} of ${shareIds.join()}`;
  if (template === undefined) return key;
  return `${key} ${places.map(({ shards }) => shards.map(({ id }) => id).join()).join(';')}`;
}

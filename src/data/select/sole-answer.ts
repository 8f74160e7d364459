import type { SelectStatement } from '../../influxql/ast.ts';
import {
  taskText,
  type AnswerForm,
  type AnswerPart,
  type AnswerTask,
  type AskedAnswer,
} from '../engine/answers/answer-task.ts';
import type { ShardAccess } from '../engine/shard-access.ts';
import { askedOf } from '../shards/asked-answer.ts';
import { chooseOwners } from '../shards/choose-owners.ts';
import { FailedOwners } from '../shards/failed-owners.ts';
import { fragmentSilenceMs } from './open-fragments.ts';
import type { SelectContext, SelectPorts } from './select-context.ts';
import { prepareSelect, type PreparedSelect } from './select-runner.ts';

interface Asking {
  readonly form: AnswerForm;
  readonly context: SelectContext;
  readonly ports: SelectPorts;
}

/** Of one statement: past so many forms and lists of shards all are forgotten. */
const textsMax = 16;

/** What was worked out of a statement for a form of answers; 'none' for what is not answered so. */
class Texts<Text> {
  readonly #known = new WeakMap<PreparedSelect, Map<string, Text | 'none'>>();

  of(
    prepared: PreparedSelect,
    asking: Asking,
    make: (task: AnswerTask) => Text | undefined,
  ): Known<Text> {
    const key = keyOf(asking.form);
    const known = this.#known.get(prepared)?.get(key);
    if (known !== undefined) return { text: known === 'none' ? undefined : known, isKept: true };
    const text = make(taskOf(prepared, asking));
    // What is prepared anew each time would never be found again.
    if (prepared.plans !== undefined) {
      const ofPrepared = this.#known.get(prepared) ?? new Map<string, Text | 'none'>();
      if (ofPrepared.size >= textsMax) ofPrepared.clear();
      this.#known.set(prepared, ofPrepared.set(key, text ?? 'none'));
    }
    return { text, isKept: false };
  }
}

interface Known<Text> {
  readonly text: Text | undefined;
  readonly isKept: boolean;
}

const ownTexts = new Texts<string>();
const askedTexts = new Texts<Omit<AskedAnswer, 'nowNs'>>();
const templateTexts = new WeakMap<PreparedSelect, Map<string, string>>();
const nobody = new FailedOwners();

/**
 * The parts of a SELECT's JSON document, or documents, where one worker of one node has all shards that it reads, and that node is the owner
 * to be asked; undefined where several have to answer. Throws what tells beforehand that it has no answer.
 */
export function soleAnswer(
  statement: SelectStatement,
  form: AnswerForm,
  context: SelectContext,
  ports: SelectPorts,
): AsyncIterator<AnswerPart> | undefined {
  const prepared = prepareSelect(statement, context, ports);
  const nodeId = soleOwner(prepared, context, ports);
  if (nodeId === undefined) return undefined;
  const access = ports.shards.of(nodeId);
  const isOwn = nodeId === ports.meta.nodeId;
  // Nodes are not asked for chunks.
  if (!isOwn && form.chunkRowsMax !== undefined) return undefined;
  const answer = isOwn ? ownAnswer : otherAnswer;
  return answer(prepared, access, { form, context, ports })?.[Symbol.asyncIterator]();
}

/** The node to ask of every shard, if it is one and there are shards. */
function soleOwner(
  { places }: PreparedSelect,
  context: SelectContext,
  ports: SelectPorts,
): number | undefined {
  const { meta, random, shards } = ports;
  let sole: number | undefined;
  for (const place of places) {
    const chosen = chooseOwners(place.shards, {
      localNodeId: meta.nodeId,
      random,
      failed: nobody,
      missedAt: shards.missedAt,
      pinnedNodeId: context.pinnedNodeId,
    });
    for (const [nodeId, shardIds] of chosen) {
      if (shardIds.length < place.shards.length || (sole ?? nodeId) !== nodeId) return undefined;
      sole = nodeId;
    }
    if (chosen.size === 0 && place.shards.length > 0) return undefined;
  }
  return sole;
}

function ownAnswer(
  prepared: PreparedSelect,
  access: ShardAccess,
  asking: Asking,
): AsyncIterable<AnswerPart> | undefined {
  if (access.answer === undefined) return undefined;
  const { nowNs, signal } = asking.context;
  const shardIds = prepared.places.flatMap((place) => idsOf(place));
  const { template } = prepared;
  if (template !== undefined) {
    const text = templateText({ ...prepared, template }, asking);
    const times = { own: prepared.compiled.range, shards: prepared.range };
    return text === '' ? undefined : access.answer(shardIds, { text, nowNs, isKept: true, times }, signal); // prettier-ignore
  }
  const { text, isKept } = ownTexts.of(prepared, asking, taskText);
  return text === undefined ? undefined : access.answer(shardIds, { text, nowNs, isKept }, signal);
}

/** Of the template and the shards of now: those of another time are another task. '' for what is not answered so. */
function templateText(
  { template, places }: PreparedSelect & { readonly template: PreparedSelect },
  asking: Asking,
): string {
  const key = `${keyOf(asking.form)} ${places.map((place) => idsOf(place).join()).join(';')}`;
  const texts = templateTexts.get(template) ?? new Map<string, string>();
  templateTexts.set(template, texts);
  const known = texts.get(key);
  if (known !== undefined) return known;
  const text = taskText(taskOf({ ...template, places }, asking)) ?? '';
  if (texts.size >= textsMax) texts.clear();
  texts.set(key, text);
  return text;
}

/** A node that is known to have them on one worker answers at once; one that nobody asked yet is described first. */
function otherAnswer(
  prepared: PreparedSelect,
  access: ShardAccess,
  asking: Asking,
): AsyncIterable<AnswerPart> | undefined {
  const [place, ...others] = prepared.places;
  if (place === undefined || others.length > 0) return undefined;
  if (access.described?.(idsOf(place), place.names)?.lanes.length !== 1) return undefined;
  const { text: asked } = askedTexts.of(prepared, asking, askedOf);
  const { nowNs, signal } = asking.context;
  return asked && access.answerFor?.({ ...asked, nowNs }, { deadlineMs: fragmentSilenceMs, signal }); // prettier-ignore
}

function taskOf(
  { compiled, range, places }: PreparedSelect,
  { form, context, ports }: Asking,
): AnswerTask {
  const { seriesMax, pointsMax } = ports.accounts.limits;
  const { bucketsMax } = context;
  return {
    statement: compiled.statement,
    range,
    places: places.map(({ shards, ...place }) => ({ ...place, shardIds: shards.map(({ id }) => id) })), // prettier-ignore
    ...{ bucketsMax, seriesMax, pointsMax, ...form },
  };
}

function keyOf({ epochUnitNs, chunkRowsMax }: AnswerForm): string {
  return `${epochUnitNs} ${chunkRowsMax}`;
}

function idsOf({ shards }: PreparedSelect['places'][number]): readonly number[] {
  return shards.map(({ id }) => id);
}

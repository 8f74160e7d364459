/** What a worker keeps of SELECTs that it has answered before: the task, and its plan as long as schemas are what they were. */
import { RecentMap } from '../../../base/collections/recent-map.ts';
import { MiB } from '../../../base/units.ts';
import { compileStatement, type CompiledSelect } from '../../../query/plan/compile-statement.ts';
import type { LevelPlan } from '../../../query/plan/level-plan.ts';
import { readsClock } from '../../../query/plan/reads-clock.ts';
import { taskOf, type AnswerRequest, type AnswerTask } from './answer-task.ts';

/** As many as texts are known (influxql/known-texts.ts), of which a task has some five times the characters. */
const keptMax = { countMax: 2_048, weightMax: 16 * MiB };
/** What a plan has for each measurement that it reads, beside the text. */
const measurementBytes = 2_048;

export class KnownAnswer {
  readonly task: AnswerTask;
  #compiled: CompiledSelect | undefined;
  /** Of all that there is, and of a part. */
  readonly #plans = new Map<
    boolean,
    { readonly plan: LevelPlan; readonly schemaVersion: number }
  >();

  constructor(task: AnswerTask) {
    this.task = task;
  }

  compiled({ nowNs, times }: Pick<AnswerRequest, 'nowNs' | 'times'>): CompiledSelect {
    const compiled = this.#compiledAt(nowNs);
    return times === undefined ? compiled : { ...compiled, range: times.own };
  }

  #compiledAt(nowNs: bigint): CompiledSelect {
    if (this.#compiled !== undefined) return this.#compiled;
    const compiled = compileStatement(this.task.statement, { nowNs });
    if (!readsClock(compiled)) this.#compiled = compiled;
    return compiled;
  }

  planAt(schemaVersion: number, isWhole: boolean): LevelPlan | undefined {
    const known = this.#plans.get(isWhole);
    return known?.schemaVersion === schemaVersion ? known.plan : undefined;
  }

  /** Not of a statement that reads the clock. */
  keep(plan: LevelPlan, schemaVersion: number, isWhole: boolean): void {
    if (this.#compiled !== undefined) this.#plans.set(isWhole, { plan, schemaVersion });
  }
}

export class KnownAnswers {
  readonly #kept = new RecentMap<string, KnownAnswer>(keptMax);

  of({ text, isKept }: AnswerRequest): KnownAnswer {
    const known = this.#kept.get(text);
    if (known !== undefined) return known;
    const made = new KnownAnswer(taskOf(text));
    if (isKept) this.#kept.set(text, made, weightOf(text, made.task));
    return made;
  }
}

/** Of a statement of one measurement it is that of its text. */
function weightOf(text: string, { places }: AnswerTask): number {
  const namedCount = places.reduce((sum, { names }) => sum + (names?.length ?? 1), 0);
  return text.length + Math.max(0, namedCount - 1) * measurementBytes;
}

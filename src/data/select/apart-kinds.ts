/** A kind of questions that several nodes answer apart, and what each node has seen of them. */
import type { CompiledSelect } from '../../query/plan/compile-statement.ts';
import type { ClusterShards } from '../shards/cluster-shards.ts';
import { ApartMemory } from './apart-questions.ts';
import type { PreparedSelect } from './select-runner.ts';

export interface ApartQuestion {
  readonly question: string;
  readonly memory: ApartMemory;
}

export class ApartKind {
  readonly #questionOf: (compiled: CompiledSelect) => string | undefined;
  /** Of what is the same at any time; 'none' for what is not of this kind. */
  readonly #questions = new WeakMap<PreparedSelect, string>();
  readonly #memories = new WeakMap<ClusterShards, ApartMemory>();

  /** What SELECTs have in common that fail for the same reason; undefined for one that is not of this kind. */
  constructor(questionOf: (compiled: CompiledSelect) => string | undefined) {
    this.#questionOf = questionOf;
  }

  of(prepared: PreparedSelect, shards: ClusterShards): ApartQuestion | undefined {
    const base = prepared.template ?? prepared;
    let question = this.#questions.get(base);
    if (question === undefined) {
      question = this.#questionOf(prepared.compiled) ?? 'none';
      this.#questions.set(base, question);
    }
    if (question === 'none') return undefined;
    const memory = this.#memories.get(shards) ?? new ApartMemory();
    this.#memories.set(shards, memory);
    return { question, memory };
  }
}

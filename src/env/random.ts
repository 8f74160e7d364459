/** Chance. One stream per node and purpose, so that a new draw in one place shifts no other. */
export interface Random {
  /** Uniform integer in [0, 2^32). */
  u32(): number;
  /** An independent stream named by `label`; the same label of the same parent gives the same stream. */
  fork(label: string): Random;
}

/** Uniform integer in [0, bound). `bound` is an integer in [1, 2^32]. */
export function below(random: Random, bound: number): number {
  return Math.floor((random.u32() / 4294967296) * bound);
}

/** Uniform float in [0, 1). */
export function fraction(random: Random): number {
  return random.u32() / 4294967296;
}

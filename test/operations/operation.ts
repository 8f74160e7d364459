import type { Scene } from './scene.ts';

/** What an operator does to a cluster, to its end; what it says is printed, what must not be is a fault of the scene. */
export interface Operation {
  readonly name: string;
  /** It comes so often, against the others. */
  readonly weight: number;
  /** Of a group a round has one at most: two of them may take both copies of a point. */
  readonly group?: string;
  run(scene: Scene): Promise<string>;
}

export function drawOperations(
  scene: Scene,
  all: readonly Operation[],
  count: number,
): readonly Operation[] {
  // prettier-ignore
  const drawn: Operation[] = [];
  const groups = new Set<string>();
  for (let i = 0; i < count; i++) {
    const open = all.filter(({ group }) => group === undefined || !groups.has(group));
    const one = scene.pick(open.flatMap((operation) => Array.from({ length: operation.weight }, () => operation))); // prettier-ignore
    if (one.group !== undefined) groups.add(one.group);
    drawn.push(one);
  }
  return drawn;
}

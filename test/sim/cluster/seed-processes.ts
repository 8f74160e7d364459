/**
 * Seeds by several processes at once: each child is told a seed, answers what became of it, and is told the next. A
 * child that dies takes its seed with it, which counts as failed, and another takes its place.
 */
import { fork, type ChildProcess } from 'node:child_process';
import type { JudgeOptions, Outcome } from './judge-seed.ts';
import { judgeSeed } from './judge-seed.ts';

/** Nothing of a seed is to reach a later one: not the memories of engines that died, not what a bug holds on to. */
const seedsPerChild = 40;

/** A seed makes garbage all the while; with room for it a tenth of the processor's time is saved. */
const flags = ['--max-semi-space-size=64', '--min-semi-space-size=64'];

export interface SeedProcessesOptions {
  /** The program of a child: it calls serveSeeds. */
  readonly program: string;
  readonly childArguments: readonly string[];
  readonly jobCount: number;
  readonly onOutcome: (outcome: Outcome) => void;
}

/** Resolves once all seeds have their outcome; these come in any order. */
export async function runSeedProcesses(
  seeds: readonly number[],
  options: SeedProcessesOptions,
): Promise<void> {
  const { program, childArguments, jobCount, onOutcome } = options;
  const waiting = [...seeds];
  const work = async (): Promise<void> => {
    let child: ChildProcess | undefined;
    let seedCount = 0;
    for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
      if (seedCount++ % seedsPerChild === 0) release(child);
      if (!isHeard(child))
        child = fork(program, childArguments, { execArgv: [...process.execArgv, ...flags] });
      onOutcome(await askChild(child, seed));
    }
    release(child);
  };
  await Promise.all(Array.from({ length: Math.min(jobCount, seeds.length) }, work));
}

/** The child's side: answers seeds until the parent has no more, or is gone. */
export function serveSeeds(options: JudgeOptions): void {
  // Faults make errors by the thousand, and to say where each came from costs more than to make it. A replay shows it.
  Error.stackTraceLimit = 0;
  // A signal to the whole group is the parent's to understand: a child that it ends would be a seed that failed.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
  process.on('disconnect', () => process.exit());
  process.on('message', (seed: number) => {
    void judgeSeed(seed, options).then((outcome) => process.send?.(outcome));
  });
}

/** Whether a child hears what it is told: of one that died the end is known before that of its channel. */
function isHeard(child: ChildProcess | undefined): child is ChildProcess {
  return child?.connected === true && child.exitCode === null && child.signalCode === null;
}

function release(child: ChildProcess | undefined): void {
  if (isHeard(child)) child.disconnect();
}

function askChild(child: ChildProcess, seed: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const onExit = (code: number | null, signal: string | null): void => {
      child.off('message', onMessage);
      resolve({ seed, failure: `its process ended with ${signal ?? `code ${code}`}` });
    };
    const onMessage = (outcome: unknown): void => {
      child.off('exit', onExit);
      resolve(outcome as Outcome);
    };
    child.once('exit', onExit);
    child.once('message', onMessage);
    // Where it has died meanwhile its exit says so.
    child.send(seed, () => undefined);
  });
}

/** A wall clock on which months pass in minutes: the same for all processes that are told of it, and for whoever watches them. */
export interface FastTime {
  /** Wall time, ms, at which the clock begins to run ahead. */
  readonly beginMs: number;
  /** How many times as fast it goes. */
  readonly speed: number;
}

const variable = 'VARVE_TEST_FAST_TIME';

export function fastMs({ beginMs, speed }: FastTime, realMs: number): number {
  return Math.floor(beginMs + (realMs - beginMs) * speed);
}

/** What a node is started with so that its wall clock is the fast one; its timers stay as they are. */
export function fastEnvironment({ beginMs, speed }: FastTime): Readonly<Record<string, string>> {
  const preload = new URL('fast-clock.ts', import.meta.url).href;
  return { NODE_OPTIONS: `--import=${preload}`, [variable]: `${beginMs} ${speed}` };
}

export function fastTimeOf(environment: NodeJS.ProcessEnv): FastTime | undefined {
  const [beginMs, speed] = (environment[variable] ?? '').split(' ').map(Number);
  return beginMs === undefined || speed === undefined ? undefined : { beginMs, speed };
}

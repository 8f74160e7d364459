/**
 * The kinds of `npm run bench:ingest` (docs/performance). Seeded: the same arguments give the same bytes. `wanted` counts
 * distinct points, which is what a server has to have stored afterwards.
 */
import { CpuLines, cpuFields } from './tsbs/cpu-lines.ts';

export interface Workload {
  readonly bodies: readonly Buffer[];
  /** How often the bodies are sent. */
  readonly passes: number;
  /** Body number `at` of all that are sent: the times of its lines are those of its pass. It holds until its next pass. */
  readonly bodyAt: (at: number) => Buffer;
  readonly lineCount: number;
  readonly fieldCount: number;
  /** Counted in this field of this measurement, or of those of a pattern. */
  readonly measurement: string;
  readonly field: string;
  readonly wanted: number;
  /** Victoria keeps a point that is written twice until it merges. */
  readonly hasRepeats: boolean;
}

export interface WorkloadOptions {
  readonly bodies: number;
  readonly rows: number;
  readonly series: number;
  readonly passes: number;
  /** Between the values of a metric; 10 where it is left out. */
  readonly stepSeconds?: number;
}

const startSeconds = 1_704_067_200;

export const workloads: Readonly<Record<string, (options: WorkloadOptions) => Workload>> = {
  cpu: cpuWorkload,
  narrow: narrowWorkload,
  metrics: metricsWorkload,
  fresh: freshWorkload,
  mixed: mixedWorkload,
  shards: shardsWorkload,
};

/** 10 integers a line, hosts in turn. */
function cpuWorkload({ bodies, rows, series, passes }: WorkloadOptions): Workload {
  const source = new CpuLines({ hosts: series, startSeconds, seed: 42 });
  return ofBodies(
    Array.from({ length: bodies }, () => source.body(rows)),
    {
      passes,
      secondsAPass: Math.ceil((bodies * rows) / series) * 10,
      lineCount: bodies * rows * passes,
      fieldCount: cpuFields.length,
      measurement: 'cpu',
      field: 'usage_user',
    },
  );
}

/** One float a line, series in turn: each body has `rows` of them. */
function narrowWorkload({ bodies, rows, series, passes }: WorkloadOptions): Workload {
  const chance = chanceOf(7);
  let next = 0;
  const line = (): string => {
    const host = next % series;
    const seconds = startSeconds + Math.floor(next++ / series) * 10;
    return `m,host=h${host} value=${(chance() * 100).toFixed(2)} ${seconds}000000000`;
  };
  return ofBodies(bodiesOf(bodies, rows, line), {
    passes,
    secondsAPass: Math.ceil((bodies * rows) / series) * 10,
    lineCount: bodies * rows * passes,
    fieldCount: 1,
    measurement: 'm',
    field: 'value',
  });
}

/** One float a line, each metric a measurement of its own, as those write that name no fields: `series` of them in turn. */
function metricsWorkload({
  bodies,
  rows,
  series,
  passes,
  stepSeconds = 10,
}: WorkloadOptions): Workload {
  const chance = chanceOf(11);
  let next = 0;
  const line = (): string => {
    const metric = next % series;
    const seconds = startSeconds + Math.floor(next++ / series) * stepSeconds;
    return `node_metric_${metric},host=h${metric % 20},job=node value=${(chance() * 100).toFixed(2)} ${seconds}000000000`;
  };
  return ofBodies(bodiesOf(bodies, rows, line), {
    passes,
    secondsAPass: Math.ceil((bodies * rows) / series) * stepSeconds,
    lineCount: bodies * rows * passes,
    fieldCount: 1,
    measurement: '/^node_metric_/',
    field: 'value',
  });
}

/** Every line is of a series that never was before. */
function freshWorkload({ bodies, rows }: WorkloadOptions): Workload {
  const chance = chanceOf(8);
  let next = 0;
  const line = (): string => {
    const id = next++;
    const value = (chance() * 100).toFixed(2);
    return `requests,region=r${id % 20},service=s${id % 500},id=req-${id.toString(36)} value=${value} ${startSeconds + Math.floor(id / rows)}000000000`;
  };
  return ofBodies(bodiesOf(bodies, rows, line), {
    ...once,
    lineCount: bodies * rows,
    fieldCount: 1,
    measurement: 'requests',
    field: 'value',
  });
}

/** One float of one of 10 series in each of `series` hours, in turn: a shard each where shards are of an hour. */
function shardsWorkload({ bodies, rows, series }: WorkloadOptions): Workload {
  const chance = chanceOf(10);
  let next = 0;
  const line = (): string => {
    const [hour, round] = [next % series, Math.floor(next++ / series)];
    const seconds = startSeconds + hour * 3_600 + round * 10;
    return `s,host=h${round % 10} value=${(chance() * 100).toFixed(2)} ${seconds}000000000`;
  };
  return ofBodies(bodiesOf(bodies, rows, line), {
    ...once,
    lineCount: bodies * rows,
    fieldCount: 1,
    measurement: 's',
    field: 'value',
  });
}

/** cpu lines of which 30 % come again with other values, times out of order within ten minutes. */
function mixedWorkload({ bodies, rows, series }: WorkloadOptions): Workload {
  const chance = chanceOf(9);
  const source = new CpuLines({ hosts: series, startSeconds, seed: 43 });
  const texts: string[] = [];
  let distinct = 0;
  let earlier: string[] = [];
  for (let body = 0; body < bodies; body++) {
    const repeatCount = body === 0 ? 0 : Math.floor(rows * 0.3);
    const lines = source
      .body(rows - repeatCount)
      .trimEnd()
      .split('\n');
    distinct += lines.length;
    for (let i = 0; i < repeatCount; i++) {
      const again = earlier[Math.floor(chance() * earlier.length)] ?? '';
      lines.push(again.replace(/usage_user=\d+i/, `usage_user=${i % 100}i`));
    }
    for (let i = lines.length - 1; i > 0; i--) {
      const to = Math.floor(chance() * (i + 1));
      [lines[i], lines[to]] = [lines[to] ?? '', lines[i] ?? ''];
    }
    earlier = lines;
    texts.push(`${lines.join('\n')}\n`);
  }
  const workload = ofBodies(texts, {
    ...once,
    lineCount: bodies * rows,
    fieldCount: cpuFields.length,
    measurement: 'cpu',
    field: 'usage_user',
  });
  return { ...workload, wanted: distinct, hasRepeats: true };
}

/** Of kinds that cannot come again: their points would not be what the kind says. */
const once = { passes: 1, secondsAPass: 0 };

interface Passes {
  readonly passes: number;
  /** Times of a pass are so much later than those of the one before. */
  readonly secondsAPass: number;
}

function ofBodies(
  texts: readonly string[],
  {
    secondsAPass,
    ...rest
  }: Pick<Workload, 'lineCount' | 'fieldCount' | 'measurement' | 'field'> & Passes,
): Workload {
  const bodies = texts.map((text) => Buffer.from(text));
  const bodyAt = (at: number): Buffer => {
    const body = bodies[at % bodies.length] ?? Buffer.alloc(0);
    if (at >= bodies.length) postpone(body, secondsAPass);
    return body;
  };
  return { bodies, bodyAt, ...rest, wanted: rest.lineCount, hasRepeats: false };
}

const secondsDigits = 10;
const nanosecondDigits = 9;

/** Makes the time of each line later, where it is written: seconds of ten digits, then nine of nanoseconds. */
function postpone(body: Buffer, seconds: number): void {
  let before = -1;
  let written = Buffer.alloc(0);
  for (let end = body.indexOf(10); end >= 0; end = body.indexOf(10, end + 1)) {
    const at = end - secondsDigits - nanosecondDigits;
    const own = Number(body.toString('latin1', at, at + secondsDigits));
    if (own !== before) written = Buffer.from(String(own + seconds), 'latin1');
    before = own;
    written.copy(body, at);
  }
}

function bodiesOf(count: number, rows: number, line: () => string): readonly string[] {
  return Array.from({ length: count }, () => `${Array.from({ length: rows }, line).join('\n')}\n`);
}

/** Mulberry32: uniform in [0, 1). */
function chanceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The questions of `npm run bench:query`: the 15 types of the Time Series Benchmark Suite's cpu-only workload as it puts them
 * to InfluxDB, and those of issue lists besides; with VictoriaMetrics' form of each where it has one.
 */
import { cpuFields } from './cpu-lines.ts';

export interface BenchQuery {
  readonly name: string;
  /** InfluxQL. */
  readonly influx: string;
  /** Path and parameters; undefined where VictoriaMetrics cannot say it. */
  readonly victoria: string | undefined;
  /** Where rows of equal time or value have an order of each server's own. */
  readonly mayDiffer?: true;
}

export interface QueryPlace {
  readonly startSeconds: number;
  readonly hours: number;
}

/** Each query has another host and another time, so that no server answers from what it kept of the last one. */
export function cpuQueries({ startSeconds, hours }: QueryPlace): readonly BenchQuery[] {
  const last = startSeconds + hours * 3_600;
  const span = (length: number): Span => {
    const end = last - 1_800 * (hours > length ? 1 : 0);
    return { from: Math.max(startSeconds, end - length * 3_600), to: end };
  };
  const all = cpuFields.length;
  return [
    single('single-groupby-1-1-1', { fields: 1, hosts: 1, span: span(1) }),
    single('single-groupby-1-1-12', { fields: 1, hosts: 1, span: span(12) }),
    single('single-groupby-1-8-1', { fields: 1, hosts: 8, span: span(1) }),
    single('single-groupby-5-1-1', { fields: 5, hosts: 1, span: span(1) }),
    single('single-groupby-5-1-12', { fields: 5, hosts: 1, span: span(12) }),
    single('single-groupby-5-8-1', { fields: 5, hosts: 8, span: span(1) }),
    single('cpu-max-all-1', { fields: all, hosts: 1, span: span(8), step: '1h' }),
    single('cpu-max-all-8', { fields: all, hosts: 8, span: span(8), step: '1h' }),
    double('double-groupby-1', 1, span(12)),
    double('double-groupby-5', 5, span(12)),
    double('double-groupby-all', all, span(12)),
    {
      name: 'high-cpu-1',
      influx: `SELECT * FROM cpu WHERE usage_user > 90.0 AND (hostname = 'host_7') AND ${within(span(12))}`,
      victoria: undefined,
    },
    {
      name: 'high-cpu-all',
      influx: `SELECT * FROM cpu WHERE usage_user > 90.0 AND ${within(span(12))}`,
      victoria: undefined,
      mayDiffer: true,
    },
    {
      name: 'lastpoint',
      influx: 'SELECT * FROM cpu GROUP BY hostname ORDER BY time DESC LIMIT 1',
      victoria: `/api/v1/query?query=${encodeURIComponent('{__name__=~"cpu_.*"}')}&time=${last}`,
    },
    {
      name: 'groupby-orderby-limit',
      influx: `SELECT max(usage_user) FROM cpu WHERE time < '${iso(last - 3_600)}' GROUP BY time(1m) ORDER BY time DESC LIMIT 5`,
      victoria: undefined,
    },
    ...others(last),
  ];
}

/** What the suite does not ask. */
function others(last: number): readonly BenchQuery[] {
  return [
    {
      name: 'last() by host',
      influx: 'SELECT last(usage_user) FROM cpu GROUP BY hostname',
      victoria: `/api/v1/query?query=cpu_usage_user&time=${last}`,
    },
    {
      name: 'LIMIT 10',
      influx: 'SELECT usage_user FROM cpu LIMIT 10',
      victoria: undefined,
      mayDiffer: true,
    },
    {
      name: 'newest 10 of a host',
      influx: `SELECT * FROM cpu WHERE hostname = 'host_7' ORDER BY time DESC LIMIT 10`,
      victoria: undefined,
    },
    {
      name: 'percentile by host',
      influx: `SELECT percentile(usage_user, 95) FROM cpu WHERE time < '${iso(last)}' GROUP BY time(1h), hostname`,
      victoria: undefined,
    },
    {
      name: 'SHOW TAG VALUES',
      influx: 'SHOW TAG VALUES FROM cpu WITH KEY = hostname',
      victoria: '/api/v1/label/hostname/values',
    },
    {
      name: 'SHOW SERIES',
      influx: 'SHOW SERIES',
      victoria: '/api/v1/series?match[]=cpu_usage_user',
    },
    {
      name: 'raw of a host',
      influx: `SELECT usage_user, usage_system FROM cpu WHERE hostname = 'host_7'`,
      victoria: `/api/v1/export?match[]=${encodeURIComponent('{__name__=~"cpu_usage_(user|system)",hostname="host_7"}')}`,
    },
  ];
}

/** All of one field: large, so that it is asked apart from the others. */
export const rawExport: BenchQuery = {
  name: 'raw export',
  influx: 'SELECT usage_user FROM cpu GROUP BY hostname',
  victoria: '/api/v1/export?match[]=cpu_usage_user',
};

/** All there is, tags too, the rows of all series merged by time. */
export const allRows: BenchQuery = {
  name: 'all rows',
  influx: 'SELECT * FROM cpu',
  victoria: undefined,
  mayDiffer: true,
};

/** `host` of any number; `end` is that of the points. */
export function dashboardQuery(host: number, end: number): BenchQuery {
  const span = { from: end - 5_400, to: end - 1_800 };
  const query = single('single-groupby-1-1-1', { fields: 1, hosts: 1, span, firstHost: host });
  return { ...query, name: '8 connections' };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

function iso(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

function within({ from, to }: Span): string {
  return `time >= '${iso(from)}' AND time < '${iso(to)}'`;
}

interface SingleOptions {
  readonly fields: number;
  readonly hosts: number;
  readonly span: Span;
  readonly step?: string;
  readonly firstHost?: number;
}

/** The greatest values of some hosts together, by minutes or hours. */
function single(
  name: string,
  { fields, hosts, span, step = '1m', firstHost = 7 }: SingleOptions,
): BenchQuery {
  const names = cpuFields.slice(0, fields);
  const chosen = Array.from({ length: hosts }, (_, i) => `host_${firstHost + i * 3}`);
  const calls = names.map((field) => `max(${field})`).join(', ');
  const condition = chosen.map((host) => `hostname = '${host}'`).join(' OR ');
  const selector = `{__name__=~"cpu_(${names.join('|')})",hostname=~"${chosen.join('|')}"}`;
  return {
    name,
    influx: `SELECT ${calls} FROM cpu WHERE (${condition}) AND ${within(span)} GROUP BY time(${step})`,
    victoria: range(`max(max_over_time(${selector}[${step}])) by (__name__)`, span, step),
  };
}

/** Means by hour and host. */
function double(name: string, fields: number, span: Span): BenchQuery {
  const names = cpuFields.slice(0, fields);
  const calls = names.map((field) => `mean(${field})`).join(', ');
  const selector = `{__name__=~"cpu_(${names.join('|')})"}`;
  return {
    name,
    influx: `SELECT ${calls} FROM cpu WHERE ${within(span)} GROUP BY time(1h), hostname`,
    victoria: range(`avg(avg_over_time(${selector}[1h])) by (__name__, hostname)`, span, '1h'),
  };
}

function range(query: string, { from, to }: Span, step: string): string {
  return `/api/v1/query_range?nocache=1&query=${encodeURIComponent(query)}&start=${from}&end=${to}&step=${step}`;
}

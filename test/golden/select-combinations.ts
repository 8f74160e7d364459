/**
 * SELECT statements by combination, over the dataset of query-dataset.ts: each function with each way of grouping,
 * filling, ordering and paging, and conditions on fields and tags of each type.
 */
import { conditions } from './select-conditions.ts';
import { computed, others } from './select-whole.ts';

const functions = ['count', 'sum', 'mean', 'min', 'max', 'first', 'last', 'spread'];
const within = "time >= '2020-01-01T00:03:00Z' AND time < '2020-01-01T00:33:00Z'";
const fills = [
  '',
  'fill(null)',
  'fill(none)',
  'fill(previous)',
  'fill(linear)',
  'fill(0)',
  'fill(-7)',
  'fill(2.5)',
];
const pages = [
  'LIMIT 2',
  'LIMIT 2 OFFSET 1',
  'OFFSET 3',
  'LIMIT 0',
  'LIMIT 100 OFFSET 100',
  'SLIMIT 1',
  'SLIMIT 1 SOFFSET 1',
  'SOFFSET 2',
  'LIMIT 1 SLIMIT 2',
  'SLIMIT 9 SOFFSET 9',
];
const groupings = [
  '',
  'GROUP BY host',
  'GROUP BY *',
  'GROUP BY /o/',
  'GROUP BY region, host',
  'GROUP BY nothing',
];

const fieldLists = [
  '*',
  '*::tag',
  '*::field',
  '*::field, host',
  '/o/',
  '/^load$/',
  '/o/::field',
  '/nothing/',
  'load, *',
  'load, load',
  'load AS a, load AS a',
  'load AS "a b"',
  'load AS time',
  'host, load',
  'host',
  'host, region',
  'load::float',
  'load::integer',
  'load::string',
  'load::boolean',
  'load::field',
  'load::tag',
  'load::tag, jobs',
  'jobs::float',
  'jobs::integer',
  'jobs::string',
  'note::string',
  'note::integer',
  'up::boolean',
  'up::integer',
  'host::tag',
  'host::tag, load',
  'host::field',
  'host::field, load',
  'host::string, load',
  'nothing',
  'nothing, load',
  'nothing::float, load',
  'time',
  'time, load',
  'load, time',
  'time AS t, load',
  '"load"',
  '"host", "load"',
  '(load)',
  '((load))',
  'load, jobs, note, up, host, region',
  'count(load)',
  'count(host)',
  'count(nothing)',
  'count(nothing), count(load)',
  'count(load), count(jobs), count(note), count(up)',
  'count(*)',
  'sum(*)',
  'mean(*)',
  'min(*)',
  'max(*)',
  'first(*)',
  'last(*)',
  'spread(*)',
  'count(/o/)',
  'mean(/^l/)',
  'max(/nothing/)',
  'first(/./)',
  'count(*::field)',
  'count(*::tag)',
  'mean(load) AS m',
  'mean(load) AS "m x"',
  'mean(*) AS m',
  'mean(load), mean(load), mean(load)',
  'mean(load), max(load), min(load), count(load), sum(load), spread(load), first(load), last(load)',
  'max(load), max(jobs)',
  'max(load), mean(jobs)',
  'MEAN(load)',
  'Mean("load")',
  'mean((load))',
  'time, mean(load)',
  'mean(load), time',
  'first(note)',
  'last(note)',
  'first(up)',
  'last(up)',
  'count(up)',
  'first(host)',
  'max(host)',
  'mean(host)',
  'sum(up)',
  'mean(up)',
  'min(up)',
  'max(up)',
  'spread(up)',
  'sum(note)',
  'mean(note)',
  'min(note)',
  'max(note)',
  'spread(note)',
  'mean(load::float)',
  'mean(jobs::float)',
  'sum(load::integer)',
  'first(load), first(note)',
  'max(load), host',
  'max(load), *',
  'host, max(load)',
  'max(load), max(jobs), host',
  'mean(load), host',
  'max(load), load',
  'first(load), jobs, note',
  'last(load), region',
  'min(jobs), note',
  'max(load) AS top, host AS h',
  '1',
  '"x"',
  "'x'",
  'true',
  '1 + 1',
  'load + 1',
  'load + jobs',
  'load * 2, jobs / 2',
  'jobs / 2',
  'jobs % 3',
  'jobs & 3',
  '-load',
  '-jobs',
  'load > 5',
  'mean(load) + 1',
  'mean(load) * 2',
  'max(load) - min(load)',
  'sum(load) / count(load)',
  'mean(load) + load',
  'load + host',
  'note + 1',
  'up & true',
  'load + 1 AS plus',
  '2 * (load + 1)',
  'load / 0',
  'jobs / 0',
  'load - load',
  '* + 1',
  'mean(*) + 1',
  '/o/ + 1',
  'mean(load + 1)',
  'mean(load) + mean(jobs)',
  '1 + mean(load)',
  '(mean(load))',
  '(load + 1)',
  'mean(load, 1)',
  'mean()',
  'mean(1)',
  "mean('x')",
  'mean(mean(load))',
  'count(distinct(load))',
  'count(distinct(note))',
  'distinct(load)',
  'distinct(note)',
  'DISTINCT load',
  'distinct(*)',
  'top(load, 2)',
  'bottom(load, 2)',
  'top(load, host, 2)',
  'percentile(load, 50)',
  'percentile(load)',
  'sample(load, 2)',
  'median(load)',
  'mode(load)',
  'stddev(load)',
  'integral(load)',
  'abs(load)',
  'round(load)',
  'derivative(load)',
  'derivative(mean(load), 1m)',
  'difference(load)',
  'non_negative_derivative(load)',
  'non_negative_difference(load)',
  'cumulative_sum(load)',
  'moving_average(load, 2)',
  'elapsed(load)',
  'holt_winters(mean(load), 2, 2)',
  'exponential_moving_average(load, 2)',
  'histogram(load)',
  'foo(load)',
  'now()',
  'time()',
  'count_hll(load)',
  'sum(1 + load)',
  'fill(load)',
  'count(count(load))',
];

export function combinations(): readonly string[] {
  const queries: string[] = [];
  for (const call of functions) {
    for (const field of ['load', 'jobs']) {
      for (const grouping of groupings)
        queries.push(`SELECT ${call}(${field}) FROM cpu ${grouping}`);
      const window = `SELECT ${call}(${field}) FROM cpu WHERE ${within} GROUP BY time(4m)`;
      for (const fill of fills)
        queries.push(`${window} ${fill}`, `${window}, region ${fill} ORDER BY time DESC LIMIT 3`);
    }
    queries.push(
      `SELECT ${call}(load) FROM cpu WHERE ${within} GROUP BY time(7m, 2m), host LIMIT 3`,
    );
    queries.push(
      `SELECT ${call}(load) FROM cpu WHERE ${within} GROUP BY time(7m, -90s) ORDER BY time DESC`,
    );
    queries.push(`SELECT ${call}(load) FROM cpu WHERE ${within} AND load > 20 GROUP BY time(10m)`);
    queries.push(
      `SELECT ${call}(load), ${call}(jobs) FROM cpu WHERE ${within} GROUP BY time(10m) fill(previous)`,
    );
    queries.push(`SELECT ${call}(note) FROM cpu WHERE ${within} GROUP BY time(10m)`);
    queries.push(`SELECT ${call}(up) FROM cpu WHERE ${within} GROUP BY time(10m) fill(0)`);
    queries.push(`SELECT ${call}(load) FROM cpu ORDER BY time DESC`);
    queries.push(`SELECT ${call}(load) FROM cpu WHERE ${within}`);
  }
  for (const page of pages) {
    for (const grouping of groupings)
      queries.push(`SELECT load FROM cpu WHERE time < '2020-01-01T00:04:00Z' ${grouping} ${page}`);
    queries.push(
      `SELECT load FROM cpu WHERE time < '2020-01-01T00:04:00Z' GROUP BY host ORDER BY time DESC ${page}`,
    );
    queries.push(`SELECT mean(load) FROM cpu GROUP BY host ${page}`);
    queries.push(`SELECT max(load) FROM cpu WHERE ${within} GROUP BY time(6m), host ${page}`);
    queries.push(
      `SELECT count(load) FROM cpu WHERE ${within} GROUP BY time(6m), region fill(none) ORDER BY time DESC ${page}`,
    );
    queries.push(
      `SELECT * FROM /./ GROUP BY * ${page.startsWith('LIMIT') ? page : `LIMIT 2 ${page}`}`,
    );
  }
  for (const condition of conditions) {
    queries.push(`SELECT load FROM cpu WHERE ${condition} LIMIT 3`);
    if (!condition.includes('time'))
      queries.push(`SELECT count(jobs), max(load) FROM cpu WHERE ${condition} GROUP BY host`);
  }
  for (const list of fieldLists) {
    queries.push(
      `SELECT ${list} FROM cpu LIMIT 3`,
      `SELECT ${list} FROM cpu GROUP BY host LIMIT 1`,
    );
    queries.push(`SELECT ${list} FROM cpu WHERE ${within} GROUP BY time(10m) LIMIT 3`);
  }
  // The last one leaves a measurement behind.
  return [...queries, ...others, ...computed, 'SELECT load INTO copy FROM cpu'];
}

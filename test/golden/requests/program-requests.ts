import type { HttpRequest } from './http-request.ts';

/**
 * Requests as programs of today make them, over the dataset of query-dataset.ts in `golden`: Chronograf 1.11, Grafana's data source,
 * Kapacitor 1.8, vmctl, and panels that people wrote. Line i of testdata/programs.jsonl has the answer to request i.
 */
const [from, to] = ['1577836800000', '1577840000000'];
const shown = `time >= ${from}ms and time <= ${to}ms`;

/** Chronograf's server: all in the address, a type without a body. */
function chronograf(q: string, db = 'golden'): HttpRequest {
  const path = `/query?${new URLSearchParams({ db, epoch: 'ms', q, rp: '' }).toString()}`;
  return { method: 'POST', path, headers: { 'Content-Type': 'application/json' } };
}

/** Its page of hosts is one list of statements, some over measurements that are not there. */
const hosts = [
  `SHOW TAG VALUES WITH KEY = "host" WHERE TIME > ${from}ms;`,
  `SELECT mean("load") FROM "golden"."autogen"."cpu" WHERE "region" = 'west' AND time > ${from}ms GROUP BY host;`,
  `SELECT mean("load1") FROM "golden"."autogen"."system" WHERE time > ${from}ms GROUP BY host;`,
  `SELECT non_negative_derivative(mean(jobs)) AS deltaUptime FROM "golden"."autogen"."cpu" WHERE time > ${to}ms - 60s * 10 and time < ${to}ms GROUP BY host, time(60s) fill(0);`,
].join('\n      ');

const ofChronograf = [
  hosts,
  'show tag values with key = "host"',
  `show series from /cpu|disk|docker/ where host = 'a'`,
  'show series from /cpu|disk|docker/ where time > now() - 10m',
  `SHOW MEASUREMENTS WHERE "host" = 'a'`,
  'SHOW MEASUREMENTS ON "golden" WITH measurement = "cpu"',
  'SHOW FIELD KEYS FROM "golden".."cpu"',
  'SHOW TAG VALUES FROM "golden".."cpu" WITH KEY IN ("host","region")',
  'SHOW TAG KEYS ON chronograf FROM annotations',
  'SHOW FIELD KEY EXACT CARDINALITY ON "golden"',
  'SHOW TAG VALUES EXACT CARDINALITY ON "golden" WITH KEY = "host"',
  'USE "golden"; DROP MEASUREMENT "none"',
  `SELECT mean("load") AS "mean_load" FROM "golden".."cpu" WHERE time > ${from}ms AND time < ${to}ms AND ("host"='a' OR "host"='b') GROUP BY time(5m), "host" FILL(null)`,
  `SELECT mean("load") AS "mean_load" FROM "golden"."autogen"."cpu" WHERE time > '2020-01-01T00:00:00.000Z' AND time < '2020-01-01T00:10:00.000Z' GROUP BY time(333ms) FILL(none) LIMIT 3`,
  `SELECT * FROM "cpu" WHERE "up"=false AND time >= 1577836800000000000ns and "jobs" <= 1577840000000000000 ORDER BY time DESC`,
  'SHOW GRANTS FOR "nobody"',
];

const ofGrafana = [
  'SHOW measurements',
  'SHOW RETENTION POLICIES on "none"',
  `SHOW TAG KEYS WHERE "host" == 'a'`,
  String.raw`SHOW TAG KEYS WHERE "host" = 'lab\\el'`,
  String.raw`SHOW TAG KEYS WHERE "host" = 'lab\'el'`,
  `SHOW TAG KEYS WHERE "host" = ''a''`,
  String.raw`SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)abc\/edf\// LIMIT 100`,
  `SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)CPU/ WHERE "host" = 'a' LIMIT 100`,
  'SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)cp[/ LIMIT 100',
  `SHOW TAG VALUES FROM "cpu" WITH KEY = "region" WHERE "host" =~ /^(a|b)$/ AND "region"::tag =~ /.*/`,
  'SHOW TAG VALUES FROM "cpu" WITH KEY = "host" WHERE time > now() - 1h',
  `SHOW TAG VALUES FROM "cpu" WITH KEY = "host" WHERE "host"::field = '1'`,
  'SHOW TAG VALUES FROM merge("cpu") WITH KEY = "host"',
  `SELECT mean("load") FROM "cpu" WHERE ("host"::tag =~ /^(a|b)$/) AND ${shown} GROUP BY time(10m), "host"::tag fill(null)`,
  `SELECT mean("load") FROM "cpu" WHERE "host"::tag = 'a' AND ${shown} GROUP BY time(10m) fill(null) ORDER BY time DESC limit 2 slimit 2 tz('Europe/Berlin')`,
  `SELECT mean("jobs")  / 10 AS "x" , moving_average(mean("jobs"), 3) FROM "cpu" WHERE ${shown} GROUP BY time(10m) fill(0)`,
  `SELECT "load" FROM "cpu" WHERE "load"::field > 50 AND "host"::tag != '' AND ${shown}`,
  `SELECT mean("load") FROM "cpu" WHERE ${shown} GROUP BY time($interval)`,
  'SELECT * FROM "cpu" WHERE $timeFilter',
];

/** Of dashboards and programs that people wrote. */
const ofPeople = [
  `SELECT count("lat") FROM (SELECT last("jobs") AS "lat" FROM "cpu" WHERE ${shown} AND "host" =~ /a|b/ GROUP BY time(1m), "host", "region") WHERE ${shown} GROUP BY time(10m), "host" fill(0)`,
  `SELECT sum("val") FROM (SELECT last("jobs") AS val FROM "cpu" WHERE ${shown} GROUP BY "host")`,
  `select sum(PL)-sum(PL0) as dPL from (SELECT LAST("jobs") as PL, FIRST("jobs") as PL0 FROM cpu where  ("host" != 'SUPERMU') AND ${shown} GROUP by host)`,
  'select count(host) as "n" from (SELECT last("jobs") FROM "autogen"."cpu" GROUP BY host)',
  'select count(last) as "n" from (SELECT last("jobs") FROM "autogen"."cpu" GROUP BY host,region)',
  `SELECT count("last") FROM (SELECT last("jobs") FROM "cpu" WHERE "jobs" < 100 AND "host" = 'a' AND ${shown} GROUP BY "region")`,
  `SELECT (last("planned") - sum("pd")) / last("ct") FROM (SELECT last("jobs") as planned , last("jobs") as pd , last("load") as ct FROM "cpu" WHERE   ("host" = 'a') AND ${shown} GROUP BY time(1m) fill(none))`,
  `SELECT MAX("last_jobs") AS "fullest" FROM (SELECT last("jobs") AS "last_jobs" FROM "golden"."autogen"."cpu" WHERE ${shown} GROUP BY "region") GROUP BY "host";`,
  `SELECT SUM("run") / SUM("total") as A FROM (SELECT last("jobs")  -(- last("load"))  AS run , last("load") -(- last("jobs")) as total FROM "cpu" WHERE ${shown} GROUP BY time(1m) fill(previous))`,
  'SELECT 100 - LAST("jobs") AS "cpu" FROM "golden"."autogen"."cpu" GROUP BY "host";',
  `SELECT MIN(last_val), MAX(last_val), PERCENTILE(last_val, 20), PERCENTILE(last_val, 50) FROM (SELECT LAST("jobs") AS last_val FROM golden.autogen.cpu WHERE host = 'a' AND ${shown} GROUP BY time(30d))`,
  `SELECT last("jobs") FROM "cpu" WHERE "host" = "host" AND ${shown} GROUP BY time(10m), "host" fill(null)`,
  `SELECT max(jobs), mean(jobs) FROM cpu WHERE host=bar AND ${shown} GROUP BY region`,
  `SELECT mean("jobs") /mean("load")*100 FROM "cpu" WHERE "host" =~ /^a$/ AND ${shown} GROUP BY time(20m), "host" fill(null)`,
];

/** vmctl reads each field of each series, in chunks. */
const ofVmctl = [
  'show field keys',
  'show series ',
  `select "load" from "cpu" where "host"='a' and "region"='west'`,
  `select "bytes" from "disk free" where "path"='/d,0'`,
].map((q): HttpRequest => {
  const search = new URLSearchParams({ chunk_size: '10000', chunked: 'true', db: 'golden', epoch: 'ns', q, rp: 'autogen' }); // prettier-ignore
  return { method: 'GET', path: `/query?${search.toString()}` };
});

/** Kapacitor names no database, and a consistency that is none. */
const ofKapacitor: readonly HttpRequest[] = [
  { method: 'POST', path: `/query?db=&q=${encodeURIComponent('SHOW RETENTION POLICIES ON none')}` },
  {
    method: 'POST',
    path: `/query?db=&q=${encodeURIComponent(`SELECT mean(jobs) AS m FROM golden.autogen.cpu WHERE time >= '2020-01-01T00:00:00Z' AND time < '2020-01-01T00:20:00Z' GROUP BY time(10m, 0s), host fill(0)`)}`,
  },
  {
    method: 'POST',
    path: '/write?consistency=&db=golden&precision=ns&rp=autogen',
    headers: { 'Content-Type': '' },
    body: 'kapacitor,by=kapacitor v=1 1577836800000000000\n',
  },
  { method: 'POST', path: '/write?consistency=&db=golden&precision=ns&rp=none', body: 'm v=1 1\n' },
];

export const programRequests: readonly HttpRequest[] = [
  ...ofChronograf.map((q) => chronograf(q)),
  chronograf('SELECT host, value FROM alerts ORDER BY time desc LIMIT 30', 'chronograf'),
  ...[...ofGrafana, ...ofPeople].map((q): HttpRequest => ({ method: 'GET', path: `/query?${new URLSearchParams({ db: 'golden', epoch: 'ms', q }).toString()}` })), // prettier-ignore
  ...ofVmctl,
  ...ofKapacitor,
];

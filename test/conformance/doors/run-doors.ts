/** Rounds of random listeners: ours and a real influxd have the same sections, are sent the same bytes, and have to store and count the same. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config } from '../../../src/config/config.ts';
import { dataArrayKeys, dataKeys } from '../../../src/config/data-keys.ts';
import { openListeners } from '../../../src/server/node/listeners/open-listeners.ts';
import { startOneNode } from '../../support/one-node.ts';
import { ReferenceServer } from '../../support/reference-server.ts';
import { RandomChoice } from '../fresh/random-choice.ts';
import { authFile, randomCollectd, typesDb } from './random-collectd.ts';
import { randomGraphite } from './random-graphite.ts';
import { randomOpenTsdb } from './random-opentsdb.ts';
import { randomUdp } from './random-udp.ts';
import { doorPurposes } from './door-purposes.ts';
import { runPrometheus } from './run-prometheus.ts';
import { runHttp } from './run-http.ts';
import { sendDoor } from './send-door.ts';
import type { Door } from './door.ts';

export interface DoorOutcome {
  /** What has it, and what was sent. */
  readonly title: string;
  readonly sent: readonly string[];
  /** Of what both say, a line each: those that the other one does not say. */
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

export interface DoorOptions {
  readonly seed: number;
  readonly influxd: string;
  /** Of the listeners of both, one behind the other. */
  readonly portFirst: number;
}

interface Side {
  readonly url: string;
  readonly portFirst: number;
}

const doorCount = 24;
const connectionCount = 300;
/** Both have written what they were sent, or never will. */
const stillMax = 12;
const againMs = 50;
/** What differs from server to server. */
const uncounted = /^(batches|points)Tx|^datagramsDropped|^(conns|tlConns)Active|^readFail/;

export async function* runDoors(options: DoorOptions): AsyncGenerator<DoorOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'varve-doors-'));
  mkdirSync(join(folder, 'node'));
  const paths = { types: join(folder, 'types.db'), auth: join(folder, 'auth') };
  writeFileSync(paths.types, typesDb);
  writeFileSync(paths.auth, authFile);
  const random = new RandomChoice(options.seed, 'doors');
  const doors = Array.from({ length: doorCount }, (_, i) => {
    const database = `door${i}`;
    return random.of([
      () => randomGraphite(random, database),
      () => randomUdp(random, database),
      () => randomCollectd(random, database, paths),
      () => randomOpenTsdb(random, database),
    ])();
  });
  const ports = { ours: options.portFirst, theirs: options.portFirst + doorCount };
  const reference = await ReferenceServer.start(options.influxd, '', sectionsOf(doors, ports.theirs)); // prettier-ignore
  const node = await startOneNode(join(folder, 'node'), { workerCount: 1 });
  const { env, meta, writer, statistics } = node;
  const text = sectionsOf(doors, ports.ours);
  const config = Config.read({ text, environment: {}, keys: dataKeys, arrayKeys: dataArrayKeys });
  const listeners = await openListeners(config, { ...env, meta, writer, statistics });
  try {
    const [ours, theirs] = [{ url: node.url, portFirst: ports.ours }, { url: reference.url, portFirst: ports.theirs }]; // prettier-ignore
    const asked = { seed: options.seed, count: connectionCount };
    const urls = { ours: node.url, theirs: reference.url };
    for await (const { sent, ours: own, theirs: other } of runPrometheus(urls, asked)) {
      const isSame = own === other;
      yield { title: 'prometheus', sent: [sent], ours: isSame ? [] : [own], theirs: isSame ? [] : [other] }; // prettier-ignore
    }
    for await (const { sent, difference } of runHttp(urls, asked))
      yield {
        title: 'http',
        sent: [sent],
        ours: difference === undefined ? [] : [difference.ours],
        theirs: difference === undefined ? [] : [difference.theirs],
      };
    for (const [i, door] of doors.entries()) yield await compareDoor(door, i, { ours, theirs });
  } finally {
    await listeners.close();
    await node.close();
    await reference.stop();
    rmSync(folder, { recursive: true });
  }
}

async function compareDoor(
  door: Door,
  i: number,
  { ours, theirs }: { readonly ours: Side; readonly theirs: Side },
): Promise<DoorOutcome> {
  const isMade = door.section === 'opentsdb';
  // HTTP does not make it.
  if (isMade) await Promise.all([ours, theirs].map(({ url }) => ask(url, { q: `CREATE DATABASE ${door.database}` }))); // prettier-ignore
  const [own, other] = await Promise.all([ours, theirs].map(({ portFirst }) => sendDoor(door, portFirst + i))); // prettier-ignore
  const answers = { ours: comparedAnswers(own ?? []), theirs: comparedAnswers(other ?? []) };
  let still = { text: '', count: 0 };
  for (;;) {
    const [all, others] = await Promise.all([said(ours, door, i), said(theirs, door, i)]);
    const outcome = {
      title: `${door.section} ${door.network} ${door.keys.join(' | ')}`,
      sent: door.sends.map((send) => send.toString('latin1')),
      ours: without([...answers.ours, ...all], [...answers.theirs, ...others]),
      theirs: without([...answers.theirs, ...others], [...answers.ours, ...all]),
    };
    const isSame = outcome.ours.length + outcome.theirs.length === 0;
    const text = JSON.stringify([all, others]);
    still = { text, count: text === still.text ? still.count + 1 : 0 };
    if (isSame || still.count === stillMax) return outcome;
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}

function without(lines: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others);
  return lines.filter((line) => !known.has(line));
}

/** What may differ: dates, and names of headers in other cases and orders. */
function comparedAnswers(answers: readonly string[]): readonly string[] {
  return answers.map((answer, i) => {
    const [head = '', ...body] = answer.split('\r\n\r\n');
    const [status = '', ...headers] = head.replace('HTTP/1.0', 'HTTP/1.1').split('\r\n');
    const kept = headers.filter((line) => !/^(date|keep-alive|content-length|connection):/i.test(line)); // prettier-ignore
    const sorted = kept.map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase())).sort();
    return `answer ${i}: ${JSON.stringify([status, ...sorted, body.join('\r\n\r\n')])}`;
  });
}

/** All points, types and counters of a door, a line each. */
async function said({ url, portFirst }: Side, door: Door, i: number): Promise<readonly string[]> {
  const bind = `127.0.0.1:${portFirst + i}`;
  const all = ['SELECT * FROM /.*/ GROUP BY *', 'SHOW RETENTION POLICIES'];
  if (door.section !== 'udp') all.push('SHOW FIELD KEYS');
  const lines: string[] = [];
  for (const q of all) {
    const answer = await ask(url, { q, db: door.database, epoch: 'ns' });
    for (const { name = '', tags, columns, values } of seriesOf(answer))
      // A name that is none is stored there, and found by nobody.
      for (const row of isNameless({ name, columns }) ? [] : (values ?? []))
        lines.push(`${name} ${tagText(tags)} ${rowText(columns, row)}`);
  }
  const shown = await ask(url, { q: `SHOW STATS FOR '${door.section}'` });
  const own = seriesOf(shown).find(({ tags }) => tags?.['bind'] === bind);
  for (const [at, column] of own?.columns.entries() ?? [])
    if (!uncounted.test(column) && !doorPurposes.counters(door, column)) lines.push(`count ${column}=${String(own?.values?.[0]?.[at])}`); // prettier-ignore
  return lines;
}

/** Policies have no name either. */
function isNameless({ name = '', columns }: Series): boolean {
  return name === '' && columns.some((column) => column === 'time' || column === 'fieldKey');
}

/** From the year 2026 on: of points without a time. */
const nowNsMin = 1_767_225_600_000_000_000n;

/** What no point has stays known there after a write that was refused. */
function tagText(tags: Series['tags'] = {}): string {
  return JSON.stringify(Object.entries(tags).filter(([, value]) => value !== ''));
}

function rowText(columns: readonly string[], row: readonly unknown[]): string {
  return columns
    .flatMap((column, i) => {
      if (row[i] === null) return [];
      const isNow = column === 'time' && typeof row[i] === 'string' && BigInt(row[i]) >= nowNsMin;
      return `${column}=${isNow ? 'now' : JSON.stringify(row[i])}`;
    })
    .join(' ');
}

interface Series {
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values?: readonly (readonly unknown[])[];
}

function seriesOf(text: string): readonly Series[] {
  const exact = text.replaceAll(/\[(-?\d{10,}),/g, '["$1",');
  const { results = [] } = JSON.parse(exact) as { results?: readonly { series?: readonly Series[] }[] }; // prettier-ignore
  return results.flatMap(({ series = [] }) => series);
}

async function ask(url: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams(parameters);
  return (await fetch(`${url}/query`, { method: 'POST', body })).text();
}

function sectionsOf(doors: readonly Door[], portFirst: number): string {
  return doors
    .map(({ section, database, keys }, i) =>
      [
        `[[${section}]]`,
        'enabled = true',
        `bind-address = "127.0.0.1:${portFirst + i}"`,
        `database = "${database}"`,
        ...keys,
      ].join('\n'),
    )
    .join('\n');
}

/**
 * `npm run conformance`: replays the recorded answers of a real influxd 1.12.4 (test/conformance) against a data node in
 * this process, or against the empty server of `--url`, and prints a table. `--kind raw`, `--case N` choose; `--verbose`
 * prints each request that is answered otherwise, our answer and the recorded one; `--write-known` takes cases that pass out
 * of known-failures.txt (`--all-known` writes it anew, with what fails now).
 * `--fresh N --seed S` gives N random requests over random data to the node and to a real influxd instead, which is
 * started (`--influxd PATH`) or, empty, at `--reference URL`. A second one is started, with the other index and
 * points in another order: what the two answer otherwise is chance (`--one` leaves it out, `--chance` prints that as well).
 * `--mutate`: questions alone, in which some tokens are wrong. `--nodes N` asks each of N data nodes of a cluster of processes
 * (from `--port-offset`), with `--copies R` of each point, whose memtables become files at `--snapshot-bytes`; `--interrupt N` has
 * nodes of it killed (-9) or stopped, and started again, around each Nth request that changes something; with `--moves` shards are
 * moved, copied, removed, repaired or cut off around every other one of these. `--lives` gives N lives of databases instead of
 * requests: they are made and dropped, and policies change, under their points. `--users` gives N lives of users of servers with
 * `auth-enabled`, `--retention` of policies that keep points for longer, and shorter, from now. `--backups N` has the database of a life backed up after each Nth change or so, and
 * restored under another name, while nodes die. `--doors N` has N rounds of all that is no `/query` and `/write`: listeners with random sections (on ports from
 * `--port-offset` on), and requests of HTTP byte by byte. With `--metas M` meta nodes end, and stand still, too. `--trace` prints all that is sent and done.
 * `--large` writes some hundred thousand rows to `--nodes N` (1), in phases between which there are deletes, restarts and compactions, and
 * gives N questions in each.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { deviationsPath, knownFailuresPath, readCaseList } from '../test/conformance/case-list.ts';
import { readRecordedSet, type RecordedCase } from '../test/conformance/recorded-set.ts';
import { prepareServer, replayCases, type CaseOutcome } from '../test/conformance/replay.ts';
import { summaryTable } from '../test/conformance/summary.ts';
import {
  runFresh,
  type FreshOutcome,
  type FreshUrls,
  type FreshVerdict,
} from '../test/conformance/fresh/run-fresh.ts';
import { runDoors } from '../test/conformance/doors/run-doors.ts';
import { openAccess } from '../src/http/data/access/access-options.ts';
import { retentionCheckMs } from '../test/conformance/fresh/random-retention.ts';
import { usersSecret } from '../test/conformance/fresh/random-users.ts';
import { restartNodes } from '../test/conformance/fresh/large/large-restarts.ts';
import { runLarge, type LargeOptions } from '../test/conformance/fresh/large/run-large.ts';
import { LifeBackups } from '../test/conformance/fresh/life-backups.ts';
import { Interruptions } from '../test/conformance/fresh/interruptions.ts';
import { DevCluster } from '../test/support/dev-cluster.ts';
import { ReferenceServer } from '../test/support/reference-server.ts';
import { startOneNode } from '../test/support/one-node.ts';

/** Of the reference's `[http]`. */
const usersLines = `  auth-enabled = true
  ping-auth-enabled = true
  shared-secret = "${usersSecret}"`;
const retentionLines = `[retention]\n  check-interval = "${retentionCheckMs}ms"`;
/** More numbers than these are no help. */
const newsMax = 50;

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    kind: { type: 'string', multiple: true },
    case: { type: 'string', multiple: true },
    verbose: { type: 'boolean', default: false },
    'write-known': { type: 'boolean', default: false },
    'all-known': { type: 'boolean', default: false },
    fresh: { type: 'string' },
    seed: { type: 'string', default: '1' },
    influxd: { type: 'string', default: 'influxd' },
    reference: { type: 'string' },
    mutate: { type: 'boolean', default: false },
    one: { type: 'boolean', default: false },
    chance: { type: 'boolean', default: false },
    nodes: { type: 'string' },
    copies: { type: 'string', default: '1' },
    interrupt: { type: 'string' },
    lives: { type: 'boolean', default: false },
    moves: { type: 'boolean', default: false },
    users: { type: 'boolean', default: false },
    retention: { type: 'boolean', default: false },
    backups: { type: 'string' },
    large: { type: 'boolean', default: false },
    doors: { type: 'string' },
    metas: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    'port-offset': { type: 'string', default: '6000' },
    /** By default some shards are in files and some in memory, most are in both. */
    'snapshot-bytes': { type: 'string' },
    /** How much of an answer `--verbose` prints. */
    width: { type: 'string', default: '2000' },
  },
});
const numbers = values.case?.flatMap((text) => text.split(',')).map(Number);
const width = Number(values.width);
const folder = mkdtempSync(join(tmpdir(), 'varve-conformance-'));
if (values.doors !== undefined) {
  await compareDoors(Number(values.doors));
  // Watches over connections that were end by themselves, some minutes later.
  process.exit();
}
const asked = await startAsked();
try {
  if (values.fresh === undefined) await replayAll(asked.urls[0]);
  else await compareFresh(asked, Number(values.fresh));
} finally {
  await asked.close();
  rmSync(folder, { recursive: true });
}

interface Asked {
  readonly urls: readonly [string, ...string[]];
  readonly close: () => Promise<void>;
  readonly interruptions?: Interruptions | undefined;
  readonly backups?: LifeBackups | undefined;
  readonly cluster?: DevCluster;
}

async function startAsked(): Promise<Asked> {
  if (values.url !== undefined) return { urls: [values.url], close: () => Promise.resolve() };
  if (values.nodes !== undefined || values.large) return startCluster(Number(values.nodes ?? 1));
  const access = { ...openAccess, isEnabled: values.users, guardsPing: true, sharedSecret: usersSecret }; // prettier-ignore
  const { url, close } = await startOneNode(folder, { workerCount: 2, access });
  return { urls: [url], close };
}

async function startCluster(count: number): Promise<Asked> {
  const offset = Number(values['port-offset']);
  const cluster = new DevCluster(offset, '--metas', values.metas, '--data', `${count}`);
  await cluster.start({
    INFLUXDB_DATA_CACHE_SNAPSHOT_MEMORY_SIZE: values['snapshot-bytes'] ?? usualSnapshotBytes(),
    // What is repaired is repaired by it.
    INFLUXDB_ANTI_ENTROPY_ENABLED: 'true',
    ...(values.retention && { INFLUXDB_RETENTION_CHECK_INTERVAL: `${retentionCheckMs}ms` }),
    ...(values.users && {
      INFLUXDB_HTTP_AUTH_ENABLED: 'true',
      INFLUXDB_HTTP_PING_AUTH_ENABLED: 'true',
      INFLUXDB_HTTP_SHARED_SECRET: usersSecret,
    }),
  });
  const others = Array.from({ length: count - 1 }, (_, i) => cluster.url('data', i + 2));
  const options = { dataCount: count, metaCount: Number(values.metas), seed: Number(values.seed), every: Number(values.interrupt), isMoving: values.moves, onDone: (text: string) => values.trace && process.stdout.write(`    ${text}\n`) }; // prettier-ignore
  const interruptions =
    values.interrupt === undefined ? undefined : new Interruptions(cluster, options);
  const backups = values.backups === undefined ? undefined : new LifeBackups(cluster, { ...options, every: Number(values.backups), onFault }); // prettier-ignore
  return { urls: [cluster.url('data', 1), ...others], close: () => cluster.stop(), interruptions, backups, cluster }; // prettier-ignore
}

function onFault(text: string): void {
  process.stdout.write(`--- ${text.slice(0, width)}\n`);
  process.exitCode = 1;
}

/** Of large data nearly all is in files, about half, or hardly any. */
function usualSnapshotBytes(): string {
  const sizes = ['1m', '4m', '300k', '25m'];
  return (values.large ? sizes[Number(values.seed) % sizes.length] : undefined) ?? '200k';
}

async function replayAll(url: string): Promise<void> {
  const set = readRecordedSet();
  const known = readCaseList(knownFailuresPath);
  const deviations = readCaseList(deviationsPath);
  await prepareServer(url, set);
  const outcomes: CaseOutcome[] = [];
  for await (const outcome of replayCases(url, set, isChosen)) {
    outcomes.push(outcome);
    if (values.verbose && outcome.verdict !== 'pass') print(outcome);
  }
  process.stdout.write(summaryTable(outcomes));
  const listed = new Set([...known.keys(), ...deviations.keys()]);
  const failed = outcomes.filter((one) => one.verdict !== 'pass').map((one) => one.recorded.case);
  const news = failed.filter((number) => !listed.has(number));
  if (news.length > 0)
    process.stdout.write(`${news.length} not listed: ${news.slice(0, newsMax).join(' ')}\n`);
  if (values['write-known'] || values['all-known']) writeKnown(outcomes, known, deviations);
}

/** Fails when the two disagree over what they should agree on. */
async function compareFresh(asked: Asked, count: number): Promise<void> {
  const { urls: ours, interruptions, backups } = asked;
  const more = values.users ? usersLines : values.retention ? retentionLines : '';
  const started =
    values.reference === undefined ? await ReferenceServer.start(values.influxd, '', more) : undefined; // prettier-ignore
  const index = '  index-version = "tsi1"';
  const second =
    values.one || values.users || values.retention
      ? undefined
      : await ReferenceServer.start(values.influxd, index);
  const urls = { ours, theirs: started?.url ?? values.reference ?? '', second: second?.url };
  const tally: Partial<Record<FreshVerdict, number>> = {};
  try {
    const seed = Number(values.seed);
    const options = {
      seed,
      count,
      isMutated: values.mutate,
      isOfLives: values.lives,
      isOfUsers: values.users,
      isOfRetention: values.retention,
      copyCount: Number(values.copies),
      interruptions,
      backups,
    };
    for await (const outcome of values.large
      ? largeOutcomes(asked, urls, options)
      : runFresh(urls, options)) {
      const { verdict } = outcome;
      if (values.trace) printLine(outcome);
      tally[verdict] = (tally[verdict] ?? 0) + 1;
      if (verdict === 'differ' || (verdict === 'chance' && values.chance)) printFresh(outcome);
    }
  } finally {
    await started?.stop();
    await second?.stop();
    backups?.close();
  }
  process.stdout.write(`seed ${values.seed}: ${JSON.stringify(tally)}\n`);
  if ((tally.differ ?? 0) > 0) process.exitCode = 1;
}

function largeOutcomes(
  { cluster }: Asked,
  urls: FreshUrls,
  options: Pick<LargeOptions, 'seed' | 'count' | 'copyCount'>,
): AsyncGenerator<FreshOutcome> {
  const dataCount = urls.ours.length;
  const restart = async (how: 'as it was' | 'compacting'): Promise<void> => {
    const isCompacting = how === 'compacting';
    if (cluster !== undefined) await restartNodes(cluster, { dataCount, isKilled: options.seed % 2 === 1, isCompacting }); // prettier-ignore
  };
  const onPhase = (name: string): void => {
    process.stdout.write(`    ${name}\n`);
  };
  return runLarge(urls, { ...options, restart, onPhase });
}

async function compareDoors(count: number): Promise<void> {
  const seed = Number(values.seed);
  const tally = { agree: 0, differ: 0 };
  for (let round = 0; round < count; round++) {
    const options = { seed: seed + round, influxd: values.influxd, portFirst: Number(values['port-offset']) }; // prettier-ignore
    for await (const { title, sent, ours, theirs } of runDoors(options)) {
      const isSame = ours.length + theirs.length === 0;
      tally[isSame ? 'agree' : 'differ']++;
      if (isSame) continue;
      const lines = [`--- seed ${options.seed} ${title}`, ...ours.map((text) => `  ours    ${text}`), ...theirs.map((text) => `  theirs  ${text}`), ...(values.verbose ? sent.map((text) => `  sent    ${JSON.stringify(text)}`) : [])]; // prettier-ignore
      for (const line of lines) process.stdout.write(`${line.slice(0, width)}\n`);
    }
  }
  process.stdout.write(`seeds ${seed} to ${seed + count - 1}: ${JSON.stringify(tally)}\n`);
  if (tally.differ > 0) process.exitCode = 1;
}

/** All that was sent, and how it was answered. */
function printLine({ statement, step, ours, verdict }: FreshOutcome): void {
  const said = `${statement.text.replaceAll('\n', ' | ')} => ${ours.status} ${ours.text.trim()}`;
  process.stdout.write(`@ ${verdict} ${step.path} ${said.slice(0, width)}\n`);
}

function printFresh({ statement, step, ours, theirs, difference, verdict }: FreshOutcome): void {
  const { q: _, ...params } = step.params;
  const lines = [
    `--- ${statement.kind}: ${statement.text}`,
    `  as      ${step.method} ${JSON.stringify(params)} ${JSON.stringify(step.headers)}`,
    `  ${verdict}s ${difference ?? ''}`,
    `  ours    ${ours.status} ${ours.text.trimEnd()}`,
    `  theirs  ${theirs.status} ${theirs.text.trimEnd()}`,
  ];
  for (const line of lines) process.stdout.write(`${line.slice(0, width)}\n`);
}

function isChosen(recorded: RecordedCase): boolean {
  if (numbers !== undefined) return numbers.includes(recorded.case);
  return values.kind === undefined || values.kind.includes(recorded.kind);
}

function print({ recorded, verdict, differences }: CaseOutcome): void {
  process.stdout.write(`--- ${recorded.case} ${recorded.kind}: ${verdict}\n`);
  for (const { step, ours, text } of differences) {
    const { method, path, params, headers } = step;
    const body = step.text === undefined ? '' : ` ${decoded(step.text)}`;
    const lines = [
      `${method} ${path} ${JSON.stringify(params)} ${JSON.stringify(headers)}${body}`,
      `  differs ${text}`,
      `  ours    ${ours.status} ${ours.type} ${ours.text.trimEnd()}`,
      `  theirs  ${step.status} ${step.type} ${step.answer.trimEnd()}`,
    ];
    for (const line of lines) process.stdout.write(`${line.slice(0, width)}\n`);
  }
}

function decoded(form: string): string {
  if (!form.startsWith('q=')) return form;
  return new URLSearchParams(form).get('q') ?? form;
}

/** Without `--all-known` cases only leave the list. */
function writeKnown(
  outcomes: readonly CaseOutcome[],
  known: ReadonlyMap<number, string>,
  deviations: ReadonlyMap<number, string>,
): void {
  const verdicts = new Map(outcomes.map(({ recorded, verdict }) => [recorded.case, verdict]));
  const kinds = new Map(outcomes.map(({ recorded }) => [recorded.case, recorded.kind]));
  const isKept = (number: number): boolean =>
    verdicts.has(number)
      ? verdicts.get(number) !== 'pass' && (values['all-known'] || known.has(number))
      : known.has(number);
  const lines = [...new Set([...known.keys(), ...verdicts.keys()])]
    .filter((number) => isKept(number) && !deviations.has(number))
    .sort((a, b) => a - b)
    .map((number) => `${number} ${known.get(number) ?? kinds.get(number) ?? ''}`.trimEnd());
  const head =
    '# Cases that are answered otherwise today: number and kind. It only gets shorter.\n';
  writeFileSync(knownFailuresPath, `${head}${lines.map((line) => `${line}\n`).join('')}`);
  process.stdout.write(`${lines.length} known failures\n`);
}

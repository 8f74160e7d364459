import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { MovingCluster } from '../support/moving-cluster.ts';
import { olderRelease } from '../support/older-release.ts';

const limitMs = 240_000;
const waitMs = 60_000;
const old = olderRelease();
if ('lacks' in old) process.stdout.write(`upgrades are not tested: ${old.lacks}\n`);
const moving = new MovingCluster({ offset: 19_000, dataCount: 2, dayCount: 3 });
const { cluster } = moving;
afterAll(() => cluster.stop(), limitMs);
const dataNodes = [1, 2];

/** About points that are at rest: the answers are the same at all times, whoever gives them. */
const questions = [
  'SELECT count(v), sum(v), first(s), last(s) FROM rest',
  'SELECT mean(v) FROM rest WHERE time >= 0 AND time < 3d GROUP BY time(1d), host',
  "SELECT * FROM rest WHERE host = 'h3' ORDER BY time DESC LIMIT 20",
  'SHOW SERIES FROM rest',
  'SHOW FIELD KEYS FROM rest',
  'SHOW RETENTION POLICIES ON d',
  'SHOW CONTINUOUS QUERIES',
  'SHOW USERS',
  'SHOW GRANTS FOR bob',
];

async function fill(): Promise<void> {
  const lines = Array.from({ length: 6_000 }, (_, i) => `rest,host=h${i % 7} v=${i},n=${i}i,s="t${i}",b=${i % 2 === 0} ${BigInt(i) * 43_000_000_000n}`); // prettier-ignore
  expect(await cluster.write(1, lines.join('\n'), 'all')).toBe('204');
  for (const statement of [
    'DELETE FROM rest WHERE time < 600s',
    'CREATE RETENTION POLICY two ON d DURATION 520w REPLICATION 2',
    "CREATE USER bob WITH PASSWORD 'secret'",
    'GRANT READ ON d TO bob',
    'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(v) INTO two.mean FROM rest GROUP BY time(1h) END',
  ])
    expect(await cluster.query(1, statement)).not.toContain('error');
}

async function answers(node: number): Promise<readonly string[]> {
  const all: string[] = [];
  for (const question of questions) all.push(await cluster.query(node, question));
  return all;
}

/** Asks one node, and where it does not answer the other, as a client with two addresses does. Ends with what was not as wanted. */
function ask(all: readonly string[]): () => Promise<{ count: number; wrong: string[] }> {
  const ending = new AbortController();
  const seen = { count: 0, wrong: [] as string[] };
  // It tells of every database, also of one that is there for a moment.
  const asked = questions.filter((question) => question !== 'SHOW CONTINUOUS QUERIES');
  const wanted = asked.map((question) => all[questions.indexOf(question)]);
  const run = (async () => {
    for (let i = 0; !ending.signal.aborted; i++) {
      const [question = '', want] = [asked[i % asked.length], wanted[i % asked.length]];
      const first = 1 + (i % 2);
      const said: string[] = [];
      for (const node of [first, 3 - first]) {
        const answer = await cluster.query(node, question).catch((error: unknown) => `${node}: ${String(error)}`); // prettier-ignore
        if (answer === want) break;
        said.push(answer);
      }
      seen.count++;
      if (said.length === 2) seen.wrong.push(`${question}: ${said.join(' and ')}`);
    }
  })();
  return async () => {
    ending.abort();
    await run;
    return seen;
  };
}

/** Waits until so many points more were acknowledged: the cluster takes writes meanwhile. */
async function goesOn(points = 200): Promise<void> {
  const wanted = moving.acknowledged.size + points;
  await eventually(() => {
    if (moving.acknowledged.size < wanted) throw new Error('it takes no writes');
    return Promise.resolve();
  }, waitMs);
}

/** As docs/operating/upgrading.md has it: stop, start, wait until it serves. */
async function change(name: string, root?: string): Promise<void> {
  await cluster.stopNode(name);
  await goesOn();
  cluster.startByHand(name, root);
  const [kind = '', number = ''] = name.split('-');
  await eventually(async () => {
    const url = cluster.url(kind === 'meta' ? 'meta' : 'data', Number(number));
    const answer = await (await fetch(kind === 'meta' ? `${url}/ping` : `${url}/health`)).text();
    if (kind === 'data' && !answer.includes('"ready for queries and writes"')) throw new Error(answer); // prettier-ignore
  }, waitMs);
  if (kind === 'data') await drained();
  await goesOn();
}

/** Nothing waits in hinted handoff any more for a node that was away. */
async function drained(): Promise<void> {
  await eventually(async () => {
    for (const node of dataNodes) {
      const url = `${cluster.url('data', node)}/debug/vars`;
      const all = Object.values((await (await fetch(url)).json()) as Record<string, { name?: string; values?: { queueBytes?: number } }>); // prettier-ignore
      const bytes = all.filter(({ name }) => name === 'hh_processor').map(({ values }) => values?.queueBytes ?? 0); // prettier-ignore
      if (bytes.some((count) => count > 0)) throw new Error(`hints of node ${node}: ${bytes.join()}`); // prettier-ignore
    }
  }, waitMs);
}

/** The leader last: it changes once. */
async function metasInOrder(): Promise<readonly string[]> {
  const leader = await moving.metaLeader();
  const others = [1, 2, 3].filter((number) => number !== leader);
  return [...others, leader].map((number) => `meta-${number}`);
}

test.skipIf('lacks' in old)(
  'an upgrade from the release before, node by node under load: nothing acknowledged is lost, it answers all the time, and goes back',
  async () => {
    if ('lacks' in old) return;
    const environment = {
      INFLUXDB_ANTI_ENTROPY_ENABLED: 'true',
      INFLUXDB_CLUSTER_WRITE_TIMEOUT: '3s',
      INFLUXDB_HINTED_HANDOFF_RETRY_MAX_INTERVAL: '1s',
    };
    await moving.start(environment, old.root);
    const form = formOf('data-1');
    await fill();
    const before = await answers(1);
    expect(before.join()).not.toContain('error');
    // Of each node at each level.
    const endLoad = moving.load(dataNodes, ['one', 'quorum', 'any']);
    const endAsking = ask(before);
    onTestFinished(async () => {
      await endLoad();
      await endAsking();
    });
    await goesOn();
    for (const name of await metasInOrder()) await change(name);
    await change('data-1');
    await restoresMeanwhile();
    await change('data-2');
    // What only this release is asked for.
    expect(await moving.ctl('rebalance', 'plan')).toMatch(/^\d+ moves? to make, /m);
    await goBack(old.root, formOf('data-1') === form);
    await endLoad();
    const { count, wrong } = await endAsking();
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(questions.length);
    // Copies that a node had in hand when it was stopped are on the other one: releases of before kept none of them.
    const lacking = await Promise.all(dataNodes.map((node) => moving.missing(node)));
    expect(lacking[0]?.filter((time) => lacking[1]?.includes(time))).toEqual([]);
    await moving.repairAll();
    for (const node of dataNodes) expect(await answers(node)).toEqual(before);
    await moving.check(dataNodes);
  },
  limitMs,
);

/** While the nodes are of two releases a backup of both is restored to both; of one policy, without queries that others ask for. */
async function restoresMeanwhile(): Promise<void> {
  const place = join(cluster.dir, 'backup');
  const asked = questions.slice(0, 4);
  const wanted = await Promise.all(asked.map((question) => cluster.query(2, question)));
  expect(await moving.ctl('backup', '-db', 'd', place)).toContain('Backed up to');
  const said = await moving.ctl('restore', '-db', 'd', '-rp', 'autogen', '-newdb', 'again', place);
  expect(said).toContain('Restored from');
  for (const node of dataNodes)
    expect(await Promise.all(asked.map((question) => cluster.query(node, question, 'again')))).toEqual(wanted); // prettier-ignore
  expect(await cluster.query(1, 'DROP DATABASE again')).not.toContain('error');
}

/** What a node says that its files are of. */
function formOf(name: string): number {
  const text = readFileSync(join(cluster.dir, name, 'meta/form.json'), 'utf8');
  return (JSON.parse(text) as { form: number }).form;
}

/** Over what this release has written the one before goes on, or says that it cannot, and this one goes on then. */
async function goBack(root: string, isSafe: boolean): Promise<void> {
  for (const name of ['data-2', 'meta-3']) {
    if (isSafe) await change(name, root);
    else {
      await cluster.stopNode(name);
      const refused = await cluster.runByHand(name, root);
      expect(refused.code).toBe(1);
      expect(refused.text).toMatch(
        /run: open server: .*form\.json: the folder is of a later release/,
      );
      cluster.startByHand(name);
    }
    await change(name);
  }
}

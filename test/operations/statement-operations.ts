/** Statements that change what there is while shards move and nodes die: databases, measurements, policies, types, users. */
import { eventually } from '../support/dev-cluster.ts';
import { dayNs, startOfToday } from './load.ts';
import type { Operation } from './operation.ts';
import { headersOf, messageOf, ownerNumbers, type Scene } from './scene.ts';

const patienceMs = 60_000;
const lineCount = 30;
const killWithinMs = 30_000;

/** Over four days up to now. */
function lines(measurement: string, field: string, from: number): string {
  const todayNs = startOfToday();
  return Array.from({ length: lineCount }, (_, i) => `${measurement} ${field} ${todayNs - BigInt(i % 4) * dayNs + BigInt(from + i)}`).join('\n'); // prettier-ignore
}

async function countOf(scene: Scene, node: number, from: string, db?: string): Promise<number> {
  const rows = await scene.rows(node, `SELECT count(v) FROM ${from}`, db === undefined ? {} : { db }); // prettier-ignore
  return Number(rows[0]?.values[0]?.[1] ?? 0);
}

/** Holds each node to what a measurement has; checked once all is well. */
function promise(scene: Scene, from: string, count: number, db?: string): void {
  const check = async (): Promise<void> => {
    for (const node of scene.moving.nodes) {
      const counted = await countOf(scene, node, from, db);
      if (counted !== count) throw new Error(`data-${node} counts ${counted}`);
    }
  };
  scene.promises.push({ text: `${db ?? 'd'} ${from} has ${count} points`, check });
}

/** Each by another node. What comes behind a drop that was answered is all that there is, of another type too. */
async function dropDatabase(scene: Scene): Promise<string> {
  const db = scene.name('x');
  const node = () => scene.pick(scene.moving.nodes);
  const create = `CREATE DATABASE ${db} WITH REPLICATION 2 SHARD DURATION 1d`;
  if (!(await scene.says(node(), create))) return `${db} is not made`;
  scene.leftovers.push(() => scene.says(node(), `DROP DATABASE ${db}`));
  await scene.write(node(), lines('m', 'v=1i', 0), 'any', { db });
  await scene.pause(0, 4_000);
  if (!(await scene.says(node(), `DROP DATABASE ${db}`))) return `${db} is not dropped`;
  if (!(await scene.says(node(), create))) return `${db} is not made again`;
  const refused = await scene.write(node(), lines('m', 'v="a"', 1_000), 'all', { db });
  if (refused.includes('field type conflict')) scene.fault(`${db} was dropped and made again: ${refused}`); // prettier-ignore
  if (refused === '') promise(scene, 'm', lineCount, db);
  return `${db}: ${refused}`;
}

async function dropMeasurement(scene: Scene): Promise<string> {
  const name = scene.name('m');
  const node = () => scene.pick(scene.moving.nodes);
  const before = await scene.write(node(), lines(name, 'v=1i', 0), scene.pick(['any', 'all']));
  await scene.pause(0, 4_000);
  if (!(await scene.says(node(), `DROP MEASUREMENT ${name}`))) return `${name} is not dropped`;
  const refused = await scene.write(node(), lines(name, 'v="a"', 1_000), 'all');
  // What was refused before may have come to an owner all the same, and late.
  if (before === '' && refused.includes('field type conflict')) scene.fault(`${name} was dropped: ${refused}`); // prettier-ignore
  if (before === '' && refused === '') promise(scene, name, lineCount);
  return `${name}: ${before} ${refused}`;
}

/** Old days go as soon as the policy keeps one day. */
async function shortenPolicy(scene: Scene): Promise<string> {
  const policy = scene.name('r');
  const node = () => scene.pick(scene.moving.nodes);
  const shape = 'REPLICATION 2 SHARD DURATION 1d';
  if (!(await scene.says(node(), `CREATE RETENTION POLICY ${policy} ON d DURATION INF ${shape}`))) return `${policy} is not made`; // prettier-ignore
  scene.leftovers.push(() => scene.says(node(), `DROP RETENTION POLICY ${policy} ON d`));
  const refused = await scene.write(node(), lines('q', 'v=1i', 0), 'all', { policy });
  await scene.pause(0, 5_000);
  if (!(await scene.says(node(), `ALTER RETENTION POLICY ${policy} ON d DURATION 1d`))) return `${policy} stays`; // prettier-ignore
  const late = await scene.write(node(), `q v=1i ${startOfToday() - 3n * dayNs}`, 'all', {
    policy,
  });
  if (late === '') scene.fault(`${policy} was shortened, and takes a point of three days ago`);
  if (refused !== '') return `${policy}: ${refused}`;
  // Of the four days two may not have passed yet.
  const check = async (): Promise<void> => {
    const expected = Array.from({ length: lineCount }, (_, i) => i % 4).filter((day) => day < 2).length; // prettier-ignore
    for (const one of scene.moving.nodes) {
      const counted = await countOf(scene, one, `d.${policy}.q`);
      if (counted !== expected) throw new Error(`data-${one} counts ${counted}, not ${expected}`);
    }
  };
  scene.promises.push({ text: `d.${policy} keeps two days`, check });
  return policy;
}

/** Two types at once by two nodes: all owners know one, and have what was acknowledged. */
async function conflict(scene: Scene): Promise<string> {
  const name = scene.name('c');
  const node = () => scene.pick(scene.moving.nodes);
  const types = ['v=1i', 'v="a"', 'v=1.5'];
  const timeNs = startOfToday() - 2n * dayNs;
  const answers = await Promise.all(
    types.map((field, i) => scene.write(node(), `${name} ${field} ${timeNs + BigInt(i)}`, 'all')),
  );
  const least = answers.filter((answer) => answer === '').length;
  const check = async (): Promise<void> => {
    const types = new Set<string>();
    const ids = await scene.dataIds();
    for (const one of ownerNumbers) {
      const nodeId = ids.get(one);
      const keys = await scene.rows(one, `SHOW FIELD KEYS FROM ${name}`, nodeId === undefined ? {} : { nodeId }); // prettier-ignore
      for (const { values } of keys) for (const row of values) types.add(String(row));
      const counted = await countOf(scene, one, name);
      if (counted < least) throw new Error(`data-${one} counts ${counted} of ${least}`);
    }
    if (types.size > 1) throw new Error(`owners know ${[...types].join(' and ')}`);
  };
  scene.promises.push({ text: `${name} has one type`, check });
  return `${name}: ${answers.map((answer) => answer || 'taken').join(' | ')}`;
}

async function users(scene: Scene): Promise<string> {
  if (!scene.hasUsers) return 'nobody has to log in';
  const name = scene.name('u');
  const node = () => scene.pick(scene.moving.nodes);
  const statements = [`CREATE USER ${name} WITH PASSWORD 'secret'`, `GRANT READ ON d TO ${name}`];
  for (const statement of statements)
    if (!(await scene.says(node(), statement))) return `refused: ${statement}`;
  const isLetIn = await scene.says(node(), `REVOKE READ ON d FROM ${name}`);
  scene.leftovers.push(() => scene.says(node(), `DROP USER ${name}`));
  if (!isLetIn) return `${name} keeps its right`;
  const check = async (): Promise<void> => {
    for (const one of scene.moving.nodes) {
      const url = `${scene.cluster.url('data', one)}/query?db=d&q=${encodeURIComponent('SELECT v FROM p LIMIT 1')}`; // prettier-ignore
      const answer = await fetch(url, { headers: headersOf(name, 'secret') });
      const text = await answer.text();
      if (!text.includes('error')) throw new Error(`data-${one} lets it read`);
    }
  };
  scene.promises.push({ text: `${name} may read nothing`, check });
  return name;
}

/** Whoever is killed has an answer soon. */
async function killQuery(scene: Scene): Promise<string> {
  const node = scene.pick(scene.moving.nodes);
  const q = Array.from({ length: 400 }, () => 'SELECT stddev(v) FROM p GROUP BY time(1m), level fill(none)').join(';'); // prettier-ignore
  const asking = scene.ask(node, q, { ms: 4 * killWithinMs }).then(({ text }) => text.slice(-200), messageOf); // prettier-ignore
  await scene.pause(300, 2_000);
  const rows = await scene.rows(node, 'SHOW QUERIES');
  const ids = rows
    .flatMap(({ values }) => values)
    .filter((row) => String(row[1]).includes('stddev'));
  const [[number] = []] = ids;
  const id = typeof number === 'number' ? `${number}` : '';
  if (id === '') return `data-${node}: it had ended`;
  const startMs = performance.now();
  const isKilled = await scene.says(node, `KILL QUERY ${id}`);
  const text = await asking;
  const tookMs = performance.now() - startMs;
  if (isKilled && tookMs > killWithinMs) scene.fault(`data-${node}: a killed query goes on for ${Math.round(tookMs)} ms`); // prettier-ignore
  return `data-${node}: ${text.slice(-80)}`;
}

/** A backfill of a day long ago, written over by another node, and listed while it comes. */
async function backfill(scene: Scene): Promise<string> {
  const name = scene.name('old');
  const node = () => scene.pick(scene.moving.nodes);
  const day = startOfToday() - BigInt(10 + scene.below(5)) * dayNs;
  const body = (value: number) => Array.from({ length: lineCount }, (_, i) => `${name} v=${value}i ${day + BigInt(i)}`).join('\n'); // prettier-ignore
  const first = await scene.write(node(), body(1), 'all');
  const second = await scene.write(node(), body(2), 'all');
  if (first !== '' || second !== '') return `${name}: ${first} ${second}`;
  const check = async (): Promise<void> => {
    for (const one of scene.moving.nodes) {
      const rows = await scene.rows(one, `SELECT count(v), sum(v) FROM ${name}`);
      const found = String(rows[0]?.values[0]?.slice(1));
      if (found !== `${lineCount},${2 * lineCount}`) throw new Error(`data-${one}: ${found}`);
    }
  };
  await eventually(check, patienceMs).catch((error: unknown) => {
    scene.print(`  ${name} so far: ${messageOf(error)}`);
  });
  scene.promises.push({ text: `${name} has what was written over it`, check });
  return name;
}

export const statementOperations: readonly Operation[] = [
  { name: 'drop database', weight: 1, run: dropDatabase },
  { name: 'drop measurement', weight: 1, run: dropMeasurement },
  { name: 'shorten policy', weight: 1, run: shortenPolicy },
  { name: 'types that conflict', weight: 1, run: conflict },
  { name: 'users', weight: 1, run: users },
  { name: 'kill query', weight: 1, run: killQuery },
  { name: 'backfill', weight: 1, run: backfill },
];

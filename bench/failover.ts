/**
 * `npm run bench:failover`: kills the meta leader with -9 ten times and measures until a CREATE DATABASE through a data
 * node works again; prints all and the median. The killed node is started again each time.
 */
import { DevCluster, eventually } from '../test/support/dev-cluster.ts';

const cluster = new DevCluster(14_000, '--data', '1');
await cluster.start();
const tookMs: number[] = [];
try {
  const pids = new Map([1, 2, 3].map((number) => [number, cluster.pid(`meta-${number}`)]));
  for (let round = 0; round < 10; round++) {
    const number = await leaderNumber();
    process.kill(pids.get(number) ?? 0, 'SIGKILL');
    tookMs.push(await eventually(() => createDatabase(`r${round}`), 30_000));
    const child = cluster.startByHand(`meta-${number}`);
    pids.set(number, child.pid ?? 0);
    await eventually(async () => {
      const response = await fetch(`${cluster.url('meta', number)}/ping`);
      if ((await response.text()) === '') throw new Error('no leader known there');
    }, 30_000);
  }
} finally {
  await cluster.stop();
}
const sorted = [...tookMs].sort((a, b) => a - b);
const median = ((sorted[4] ?? 0) + (sorted[5] ?? 0)) / 2;
process.stdout.write(`DDL after the leader's death: ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms; median ${median.toFixed(0)} ms\n`); // prettier-ignore

async function createDatabase(name: string): Promise<void> {
  const answer = await cluster.query(1, `CREATE DATABASE ${name}`);
  if (answer.includes('error')) throw new Error(answer);
}

async function leaderNumber(): Promise<number> {
  let found = 0;
  await eventually(async () => {
    for (const number of [1, 2, 3]) {
      const leader = await (await fetch(`${cluster.url('meta', number)}/ping`)).text();
      const port = Number(leader.split(':')[1] ?? 0);
      found = [22_089, 22_189, 22_289].indexOf(port) + 1;
      if (found > 0) return;
    }
    throw new Error('no leader');
  }, 30_000);
  return found;
}

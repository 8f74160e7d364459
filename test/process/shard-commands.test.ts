/** What `influxd-ctl`, both HTTP APIs and InfluxQL say of shards (spec F23, F34 to F40, F77 to F81), word for word, in one order. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 180_000;
const patienceMs = 60_000;
const offset = 13_400;
const cluster = new DevCluster(offset, '--metas', '1', '--data', '2');
const address = (node: number) => `127.0.0.1:${8088 + offset + 100 * (node - 1)}`;
const [first, second] = [address(1), address(2)];

/** Of the one shard of each database. */
const ids = { shared: 0, alone: 0, empty: 0 };

beforeAll(async () => {
  await cluster.start({ INFLUXDB_ANTI_ENTROPY_ENABLED: 'true' });
  const databases = [['shared', 2], ['alone', 1], ['empty', 2]] as const; // prettier-ignore
  for (const [name, copies] of databases)
    await cluster.query(1, `CREATE DATABASE ${name} WITH REPLICATION ${copies} SHARD DURATION 1d`);
  for (const name of ['shared', 'alone', 'empty'])
    expect(await cluster.write(1, 'm,h=a v=1 86400000000000', 'all', name)).toBe('204');
  await cluster.query(1, 'DROP MEASUREMENT m', 'empty');
  for (const [database, id] of await shardsOf('shared', 'alone', 'empty'))
    ids[database as keyof typeof ids] ||= id;
}, limitMs);
afterAll(() => cluster.stop(), limitMs);

/** Names of databases with their shards; of a database of single owners that have a point. */
async function shardsOf(
  ...names: readonly string[]
): Promise<readonly (readonly [string, number])[]> {
  const answer = await fetch(`${cluster.url('data', 1)}/shard-status`);
  const other = await fetch(`${cluster.url('data', 2)}/shard-status`);
  const all = [await answer.json(), await other.json()] as { databases: { name: string; retention_policies: { shards: { id: number; size?: number }[] }[] }[] }[]; // prettier-ignore
  return all.flatMap(({ databases }) =>
    databases.flatMap(({ name, retention_policies }) =>
      retention_policies.flatMap(({ shards }) =>
        shards.flatMap(({ id, size }) => size === undefined || !names.includes(name) ? [] : [[name, id] as const])))); // prettier-ignore
}

async function http(api: 'data' | 'meta', request: string): Promise<string> {
  const [method = '', path = ''] = request.split(' ');
  const answer = await fetch(`${cluster.url(api, 1)}${path}`, { method });
  return `${answer.status} ${(await answer.text()).trim()}`;
}

test(
  'influxd-ctl: commands of shards say what is wrong with what they are given, and end with 1',
  async () => {
    const id = `${ids.shared}`;
    const lone = `${ids.alone}`;
    const by = (command: string) => `${command}: operation exited with error: `;
    const refused: readonly (readonly [readonly string[], string])[] = [
      [['copy-shard', first, second, '9999'], `${by('copy-shard')}shard not found for id: 9999`],
      [['copy-shard', 'no:1', second, id], `${by('copy-shard')}unable to find node for "no:1"`],
      [['copy-shard', first, 'no:1', id], `${by('copy-shard')}unable to find node for "no:1"`],
      [['copy-shard', first, second, id], `${by('copy-shard')}shard ${id} is on node 3 already`],
      [['kill-copy-shard', first, second, '9999'], `${by('kill-copy-shard')}shard not found for id: 9999`], // prettier-ignore
      [['kill-copy-shard', first, second, id], `${by('kill-copy-shard')}shard ${id} is not being copied from "${first}" to "${second}"`], // prettier-ignore
      [['remove-shard', first, '9999'], `${by('remove-shard')}shard not found for id: 9999`],
      [['remove-shard', 'no:1', lone], `${by('remove-shard')}unable to find node for "no:1"`],
      [['truncate-shards', '-delay', 'x'], `${by('truncate-shards')}time: invalid duration "x"`],
      [['truncate-shards', '-delay', '1'], `${by('truncate-shards')}time: missing unit in duration "1"`], // prettier-ignore
      [['entropy', 'repair', '9999'], `${by('entropy')}shard not found for id: 9999`],
      [['entropy', 'kill-repair', '9999'], `${by('entropy')}shard not found for id: 9999`],
    ];
    for (const [args, text] of refused)
      expect(await cluster.ctl(args), args.join(' ')).toEqual({ code: 1, text: `${text}\n` });
    const empty = [
      [['copy-shard-status'], 'Source  Dest  Database  Policy  ShardID  TotalSize  CurrentSize  StartedAt  Rate  Left\n'], // prettier-ignore
      [['entropy', 'show'], 'Entropy\n==========\nID  Database  Retention Policy  Start  End  Expires  Status\n'], // prettier-ignore
      [['entropy', 'kill-repair', id], `Repair Shard ${id} killed\n`],
      [['entropy', 'repair', id], `Repair Shard ${id} queued\n`],
    ] as const;
    for (const [args, text] of empty)
      expect(await cluster.ctl(args), args.join(' ')).toEqual({ code: 0, text });
  },
  limitMs,
);

test(
  '8086 and 8091: routes of shards and repairs have the statuses and texts of the reference',
  async () => {
    const id = ids.shared;
    const json = (text: string): string => `{"error":${JSON.stringify(text)}}`;
    const ofData: readonly (readonly [string, string])[] = [
      ['GET /shard-repair/status?local=true', '200 {"shards":[],"queued_shards":[],"processing_shards":[]}'], // prettier-ignore
      ['GET /shard-repair/status', '200 {"shards":[],"queued_shards":[],"processing_shards":[]}'],
      ['POST /shard-repair/repair', `400 ${json('missing shard id')}`],
      ['POST /shard-repair/repair?id=x', `400 ${json('invalid shard id: "x"')}`],
      ['POST /shard-repair/repair?id=0', `400 ${json('invalid shard id: "0"')}`],
      [`POST /shard-repair/repair?id=${10n ** 20n}`, `400 ${json(`invalid shard id: "${10n ** 20n}"`)}`], // prettier-ignore
      ['POST /shard-repair/repair?id=9999', `500 ${json('shard not found for id: 9999')}`],
      [`POST /shard-repair/repair?id=${id}`, '204 '],
      ['POST /shard-repair/cancel-repair?id=9999', `500 ${json('shard not found for id: 9999')}`],
      [`POST /shard-repair/cancel-repair?id=${id}&local=true`, '204 '],
      [`POST /shard-repair/cancel-repair?id=${id}`, '204 '],
      ['POST /shard-status', '405 Method Not Allowed'],
      ['GET /shard-repair/repair', '405 Method Not Allowed'],
    ];
    await eventually(async () => {
      expect(await http('data', 'GET /shard-repair/status')).toBe(ofData[0]?.[1]);
    }, patienceMs);
    for (const [request, said] of ofData) expect(await http('data', request), request).toBe(said);
    const ofMeta: readonly (readonly [string, string])[] = [
      ['POST /copy-shard', `400 ${json("'src' is a required parameter")}`],
      [`POST /copy-shard?src=${first}`, `400 ${json("'dest' is a required parameter")}`],
      [`POST /copy-shard?src=${first}&dest=${second}`, `400 ${json("'shard' is a required parameter")}`], // prettier-ignore
      [`POST /copy-shard?src=${first}&dest=${first}&shard=1`, `400 ${json('dest and src are the same')}`], // prettier-ignore
      [`POST /copy-shard?src=${first}&dest=${second}&shard=x`, `400 ${json('error converting shard to int: x')}`], // prettier-ignore
      [`POST /copy-shard?src=${first}&dest=${second}&shard=0`, `400 ${json("invalid parameter value for 'shard': shard id must be greater than 0")}`], // prettier-ignore
      ['POST /remove-shard', `400 ${json("'src' is a required parameter")}`],
      [`POST /remove-shard?src=${first}&shard=0`, `400 ${json("invalid parameter value for 'shard': shard id must be greater than 0")}`], // prettier-ignore
      ['GET /copy-shard-status', '200 []'],
      ['POST /truncate-shards?delay=x', `400 ${json('time: invalid duration "x"')}`],
      ['GET /truncate-shards', '404 404 page not found'],
      ['GET /shard-repair/status', '404 404 page not found'],
    ];
    for (const [request, said] of ofMeta) expect(await http('meta', request), request).toBe(said);
  },
  limitMs,
);

test(
  'copy-shard, remove-shard and DROP SHARD: owners, folders and answers follow, and what is gone is gone',
  async () => {
    const id = `${ids.alone}`;
    const shown = async (flags: readonly string[] = []): Promise<string> => {
      const { text } = await cluster.ctl(['show-shards', ...flags]);
      return text.split('\n').find((line) => line.startsWith(`${id} `)) ?? '';
    };
    const isFirst = (await shown()).includes(first);
    const [from, to] = isFirst ? [first, second] : [second, first];
    expect(await cluster.ctl(['copy-shard', to, from, id])).toEqual({ code: 1, text: `copy-shard: operation exited with error: "${to}" is not an owner of shard ${id}\n` }); // prettier-ignore
    expect(await cluster.ctl(['copy-shard', from, to, id])).toEqual({ code: 0, text: `Copied shard ${id} from ${from} to ${to}\n` }); // prettier-ignore
    expect(await shown()).toMatch(new RegExp(`\\[\\{2 ${first}\\} \\{3 ${second}\\}\\]$`));
    // How each copy is, where it is asked for.
    expect(await shown(['-v'])).toMatch(/State:(hot|cold) LastModified:\S+Z Size:\d+ Err:<nil>/);
    expect(await cluster.ctl(['remove-shard', from, id])).toEqual({ code: 0, text: `Removed shard ${id} from ${from}\n` }); // prettier-ignore
    expect(await shown()).not.toContain(from);
    expect((await cluster.ctl(['remove-shard', from, id])).text).toContain(`"${from}" is not an owner of shard ${id}`); // prettier-ignore
    expect(await cluster.query(1, 'SELECT v FROM m', 'alone')).toContain('[86400000000000,1]');
    const done = '{"results":[{"statement_id":0}]}';
    const drop = async (shard: string): Promise<string> => (await cluster.query(1, `DROP SHARD ${shard}`)).trim(); // prettier-ignore
    expect(await drop(id)).toBe(done);
    expect(await shown(['-e'])).toBe('');
    expect(await cluster.query(2, 'SELECT v FROM m', 'alone')).not.toContain('series');
    // Neither owner has it on its disk for long.
    await eventually(async () => {
      const { text } = await cluster.ctl(['show-shards', '-m']);
      if (text.includes('on disk only')) throw new Error(text);
    }, patienceMs);
    for (const gone of [id, '9999', '0']) expect(await drop(gone), gone).toBe(done);
    expect(await drop('x')).toContain('error parsing query: found x, expected integer at line 1, char 12'); // prettier-ignore
  },
  limitMs,
);

test(
  'entropy show: a shard without a point that was copied is no difference',
  async () => {
    await cluster.query(1, 'CREATE DATABASE sparse WITH REPLICATION 1 SHARD DURATION 1d');
    expect(await cluster.write(1, 'm v=1 1', 'all', 'sparse')).toBe('204');
    const shown = await (await fetch(`${cluster.url('meta', 1)}/show-shards`)).json();
    const shards = (shown as { id: number; database: string; owners: { tcpAddr: string }[] }[]).filter(({ database }) => database === 'sparse'); // prettier-ignore
    expect(shards.length).toBe(2);
    for (const { id, owners } of shards) {
      const from = owners[0]?.tcpAddr ?? '';
      const to = from === first ? second : first;
      expect(await cluster.ctl(['copy-shard', from, to, `${id}`])).toMatchObject({ code: 0 });
    }
    expect(await cluster.ctl(['entropy', 'show'])).toEqual({ code: 0, text: 'Entropy\n==========\nID  Database  Retention Policy  Start  End  Expires  Status\n' }); // prettier-ignore
  },
  limitMs,
);

test(
  'truncate-shards: groups end now and marked so, those of other times stay, and new points find new ones',
  async () => {
    // One group from 1994 to 2094 and one before it: no midnight falls into this test, whenever it runs.
    const name = 'century';
    await cluster.query(1, `CREATE DATABASE ${name} WITH REPLICATION 2 SHARD DURATION 5200w`);
    for (const timeNs of ['1', `${Date.now()}000000`])
      expect(await cluster.write(1, `t v=1 ${timeNs}`, 'all', name)).toBe('204');
    const rows = async (): Promise<readonly string[]> => (await cluster.ctl(['show-shards'])).text.split('\n').filter((line) => line.includes(` ${name} `)); // prettier-ignore
    const before = await rows();
    expect(before.length).toBe(2);
    const today = new Date().toISOString().slice(0, 10);
    expect(await cluster.ctl(['truncate-shards', '-delay', '0s'])).toEqual({ code: 0, text: 'Truncated shards.\n' }); // prettier-ignore
    const isToday = [today, new Date().toISOString().slice(0, 10)].join('|');
    const truncated = (await rows()).filter((row) => /Z\* /.test(row));
    expect(truncated.length).toBe(1);
    expect(truncated[0]).toMatch(
      new RegExp(` 1994-\\d\\d-\\d\\dT00:00:00Z +(${isToday})T[0-9:.]+Z\\* `),
    );
    expect((await cluster.ctl(['show-shards'])).text.split('\n').find((row) => row.startsWith(`${ids.shared} `))).not.toContain('*'); // prettier-ignore
    expect(await cluster.write(1, `t v=2 ${Date.now()}000000`, 'all', name)).toBe('204');
    expect((await rows()).length).toBe(3);
    expect(await cluster.query(2, 'SELECT count(v) FROM t', name)).toContain(',3]');
  },
  limitMs,
);

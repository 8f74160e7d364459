import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Jobs } from '../../env/jobs.ts';
import { parseQuery } from '../../influxql/parser.ts';
import type { Command } from '../../meta/command/command.ts';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { changeUsers, type UserStatement } from './user-statements.ts';

/** Two data nodes of a cluster: one that hears of nothing until it asks, and another that has changed all the rest. */
class Two {
  readonly metas = new MemoryMeta();
  readonly behind: MemoryMeta;

  constructor() {
    const { metas } = this;
    this.behind = new (class extends MemoryMeta {
      override async execute(command: Command) {
        try {
          return await metas.execute(command);
        } finally {
          this.catalog = metas.catalog;
        }
      }
    })();
  }

  hear(): void {
    this.behind.catalog = this.metas.catalog;
  }

  async run(meta: MemoryMeta, text: string): Promise<string> {
    const run = (_kind: string, { password, hash }: { password: string; hash?: string }) =>
      Promise.resolve(hash === undefined ? `hash of ${password}` : hash === `hash of ${password}`);
    const ports = {
      meta,
      jobs: { run, close: () => Promise.resolve() } as unknown as Jobs,
      random: { u32: () => 1, f64: () => 0 } as never,
      passwordScheme: { kind: 'bcrypt', cost: 4 } as const,
    };
    try {
      for (const statement of parseQuery(text))
        await changeUsers(statement as UserStatement, ports);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  }
}

test('users: one that another node has dropped is made again, and not taken for one that is there', async () => {
  const two = new Two();
  const create = `CREATE USER u WITH PASSWORD 'p'`;
  await two.run(two.metas, create);
  two.hear();
  await two.run(two.metas, 'DROP USER u');
  expect(await two.run(two.behind, create)).toBe('');
  expect(two.metas.catalog.users).toMatchObject([{ name: 'u', hash: 'hash of p' }]);
});

test('users: one that another node has made is made again as they are, and not otherwise', async () => {
  const create = `CREATE USER u WITH PASSWORD 'p'`;
  for (const [again, want] of [
    [create, ''],
    [`CREATE USER u WITH PASSWORD 'q'`, 'user already exists'],
    [`${create} WITH ALL PRIVILEGES`, 'user already exists'],
  ] as const) {
    const two = new Two();
    await two.run(two.metas, create);
    expect([again, await two.run(two.behind, again)]).toEqual([again, want]);
  }
});

test('users: to revoke something grants nothing, whatever a node has not heard of', async () => {
  const two = new Two();
  await two.metas.execute({ kind: 'create-database', name: 'd' });
  await two.run(two.metas, `CREATE USER u WITH PASSWORD 'p'; GRANT ALL ON d TO u`);
  two.hear();
  await two.run(two.metas, 'REVOKE ALL ON d FROM u');
  expect(await two.run(two.behind, 'REVOKE READ ON d FROM u')).toBe('');
  expect(two.metas.catalog.users?.[0]?.privileges).toEqual([{ database: 'd', privilege: 'NO PRIVILEGES' }]); // prettier-ignore
});

test('users: where a meta node is of the release before, what is left is worked out here', async () => {
  const two = new Two();
  await two.metas.execute({ kind: 'create-database', name: 'd' });
  await two.run(two.metas, `CREATE USER u WITH PASSWORD 'p'; GRANT ALL ON d TO u`);
  const execute = two.metas.execute.bind(two.metas);
  two.metas.execute = (command) => {
    if (command.kind === 'revoke-user-privilege') return Promise.reject(new DbError('unsupported_version', 'upgrade')); // prettier-ignore
    return execute(command);
  };
  expect(await two.run(two.metas, 'REVOKE READ ON d FROM u')).toBe('');
  expect(two.metas.catalog.users?.[0]?.privileges).toEqual([{ database: 'd', privilege: 'WRITE' }]);
});

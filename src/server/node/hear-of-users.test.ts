import { expect, test } from 'vitest';
import { DbError, type DbErrorCode } from '../../base/errors.ts';
import type { Log } from '../../env/log.ts';
import { hearOfUsers } from './hear-of-users.ts';

async function start(code?: DbErrorCode): Promise<readonly string[]> {
  const said: string[] = [];
  const log = { warn: (text: string) => said.push(text) } as unknown as Log;
  const settle = () => (code === undefined ? Promise.resolve() : Promise.reject(new DbError(code, code))); // prettier-ignore
  await hearOfUsers({ meta: { settle }, log });
  return said;
}

test('a start with auth-enabled: waits for what the metas have, and goes on without where none answers', async () => {
  expect(await start()).toEqual([]);
  for (const code of ['unavailable', 'timeout'] as const)
    expect(await start(code)).toEqual(['No meta node answers: users are as this node knew them']);
  await expect(start('shutdown')).rejects.toThrow('shutdown');
});

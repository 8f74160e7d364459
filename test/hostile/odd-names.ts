import { makeDatabase, query, write } from './ask.ts';
import type { Attack } from './attack.ts';

const keyBytesMax = 65_535;

/** S1: a key that no file could take is refused with its length; what is beside it is written. */
export const longKeys: Attack = {
  id: 'S1',
  title: 'field keys and tags past 65,535 bytes, beside good lines',
  run: async ({ dataUrls }) => {
    const [url = ''] = dataUrls;
    await makeDatabase(url, 'long_keys', dataUrls.length);
    for (const keyBytes of [keyBytesMax + 1, 70_000, 1_000_000]) {
      const field = 'f'.repeat(keyBytes - 'k#!~#'.length);
      const body = `k ${field}=1 1\nk v=${keyBytes} ${keyBytes}`;
      const wanted = `max key length exceeded: ${keyBytes} > ${keyBytesMax}`;
      const text = await write(url, 'long_keys', body).then(
        () => 'taken',
        (error: unknown) => (error as Error).message,
      );
      if (!text.replaceAll(String.raw`\u003e`, '>').includes(wanted)) throw new Error(`a key of ${keyBytes} bytes: ${text.slice(0, 300)}`); // prettier-ignore
    }
    for (const one of dataUrls) {
      const { text } = await query(one, 'SELECT count(v) FROM k', { db: 'long_keys' });
      if (!text.includes('[0,3]')) throw new Error(`good lines beside bad ones: ${text}`);
    }
  },
};

/** Names that mean something to a file system, to a folder of ours, or to the format of the files; a line may not begin with `#`. */
const databases = ['.lock', '.git', '...', 'a%2Eb', '%', 'a b', 'Lock', 'lock', "it's", 'größe'];
const names = ['a#!~#b', '#!~', '#!~#', 'a#!~', '.', '..', 'shard.json', '%00'];

/** D, R2: every name that is taken is one of its own, and comes back as it was. */
export const oddNames: Attack = {
  id: 'R2',
  title: 'databases, measurements and fields named like files, folders and separators',
  run: async ({ dataUrls }) => {
    const [url = ''] = dataUrls;
    for (const database of databases) {
      await makeDatabase(url, `"${database}"`, dataUrls.length);
      const db = encodeURIComponent(database);
      const lines = names.flatMap((name, i) => [`x${name},t=${name} ${name}=${i}i 1`, `m,t=${name} ${name}=${i}i 1`]); // prettier-ignore
      await write(url, db, lines.join('\n'));
      for (const [i, name] of names.entries()) {
        const q = `SELECT "${name}" FROM "x${name}" WHERE t = '${name}'`;
        const { text } = await query(url, q, { db: database });
        const isRight =
          text.includes(`"name":${JSON.stringify(`x${name}`)}`) && text.includes(`[1,${i}]`);
        if (!isRight) throw new Error(`${q} in ${database}: ${text}`);
      }
    }
  },
};

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTar, writeTar, type ArchivedFile } from './tar.ts';

// eslint-disable-next-line @typescript-eslint/require-await
async function* inPieces(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* filesOf(
  contents: Readonly<Record<string, Uint8Array>>,
): AsyncGenerator<ArchivedFile> {
  // prettier-ignore
  for (const [name, bytes] of Object.entries(contents))
    yield { name, sizeBytes: bytes.length, content: inPieces(bytes, 1000) };
}

async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

async function contentsOf(archive: Uint8Array, pieceBytes = 700): Promise<Record<string, string>> {
  const read: Record<string, string> = {};
  for await (const { name, content } of readTar(inPieces(archive, pieceBytes)))
    read[name] = (await gather(content)).toString('latin1');
  return read;
}

const bytesOf = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => i % 251));
const contents = {
  'db/rp/1/empty': Buffer.alloc(0),
  'db/rp/1/block': bytesOf(512),
  'db/rp/1/more': bytesOf(5_000),
  [`${'long name '.repeat(20)}/file`]: bytesOf(3),
  'ärger/日本/1/a': bytesOf(513),
};
const texts = Object.fromEntries(
  Object.entries(contents).map(([name, bytes]) => [name, bytes.toString('latin1')]),
);

test('tar: what is written is read, whatever the pieces are', async () => {
  const archive = await gather(writeTar(filesOf(contents), 1_700_000_000));
  expect(archive.length % 512).toBe(0);
  for (const pieceBytes of [1, 511, 512, 4_096, 1 << 20])
    expect(await contentsOf(archive, pieceBytes)).toEqual(texts);
});

test('tar: GNU tar reads ours, and we read what it writes in each of its formats', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tar-'));
  try {
    writeFileSync(join(folder, 'ours.tar'), await gather(writeTar(filesOf(contents), 1)));
    const run = (...args: readonly string[]) => spawnSync('tar', ['-C', folder, ...args]);
    expect(run('-xf', join(folder, 'ours.tar')).stderr.toString()).toBe('');
    for (const [name, bytes] of Object.entries(contents))
      expect(readFileSync(join(folder, name))).toEqual(bytes);
    for (const format of ['ustar', 'gnu', 'pax', 'v7']) {
      const names = format === 'ustar' || format === 'v7' ? ['db'] : ['db', 'ärger', Object.keys(contents)[3]?.split('/')[0] ?? '']; // prettier-ignore
      const archive = run(`--format=${format}`, '-cf', '-', ...names).stdout;
      const read = await contentsOf(archive);
      for (const [name, text] of Object.entries(texts))
        if (names.includes(name.split('/')[0] ?? '')) expect(read[name]).toBe(text);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('tar: what is not read of a file is passed over', async () => {
  const archive = await gather(writeTar(filesOf(contents), 1));
  const names: string[] = [];
  for await (const { name, content } of readTar(inPieces(archive, 100))) {
    names.push(name);
    if (name.endsWith('more')) for await (const piece of content) if (piece.length > 0) break;
  }
  expect(names).toEqual(Object.keys(contents));
});

test('tar: cut anywhere before its end it is an error, and so is each head that was changed', async () => {
  const archive = await gather(writeTar(filesOf({ a: bytesOf(600), b: bytesOf(1) }), 1));
  for (let length = 0; length < archive.length - 1_024; length += 100)
    await expect(contentsOf(archive.subarray(0, length))).rejects.toThrow('archive: it is cut short'); // prettier-ignore
  for (let at = 0; at < 512; at += 7) {
    // The end of the checksum's own digits.
    if (at === 154) continue;
    const changed = Buffer.from(archive);
    changed[at] = (changed[at] ?? 0) ^ 0x55;
    await expect(contentsOf(changed)).rejects.toThrow(/^archive: /);
  }
});

test('tar: a file that is not as long as it says is an error', async () => {
  for (const sizeBytes of [4, 6]) {
    const files = (async function* () {
      await Promise.resolve();
      yield { name: 'a', sizeBytes, content: inPieces(bytesOf(5), 2) };
    })();
    await expect(gather(writeTar(files, 1))).rejects.toThrow('a: its content is not the');
  }
});

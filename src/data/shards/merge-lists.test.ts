import { expect, test } from 'vitest';
import type { ListPiece } from '../engine/lists/schema-list.ts';
import { mergeLists } from './merge-lists.ts';

function piece(at: number, key: string, ...texts: string[]): ListPiece {
  return { at, key, texts };
}

async function* streamOf(...batches: ListPiece[][]): AsyncGenerator<readonly ListPiece[]> {
  for (const batch of batches) yield await Promise.resolve(batch);
}

async function merged(...streams: AsyncIterable<readonly ListPiece[]>[]): Promise<string[]> {
  const found: string[] = [];
  for await (const { at, key, texts } of mergeLists(streams))
    found.push(...texts.map((text) => `${at}${key}:${text}`));
  return found;
}

test('lists: of no and of one stream', async () => {
  expect(await merged()).toEqual([]);
  expect(await merged(streamOf(), streamOf([]))).toEqual([]);
  expect(await merged(streamOf([piece(0, '', 'a')], [piece(0, '', 'b'), piece(2, 'k', 'a')]))).toEqual(['0:a', '0:b', '2k:a']); // prettier-ignore
});

test('lists: each text once and in order, wherever the pieces are cut', async () => {
  const first = () => streamOf([piece(0, '', 'a', 'c')], [piece(0, '', 'e'), piece(1, '', 'x')]);
  const second = () => streamOf([piece(0, '', 'b', 'c', 'd', 'e', 'f')], [piece(0, '', 'g')], [piece(2, '', 'y')]); // prettier-ignore
  const want = ['0:a', '0:b', '0:c', '0:d', '0:e', '0:f', '0:g', '1:x', '2:y'];
  expect(await merged(first(), second())).toEqual(want);
  expect(await merged(second(), first(), first())).toEqual(want);
});

test('lists: keys of one measurement in the order of their bytes', async () => {
  const first = streamOf([piece(0, 'host', 'a'), piece(0, 'zone', 'z')]);
  const second = streamOf([piece(0, 'region', 'r'), piece(0, 'zone', 'a')]);
  expect(await merged(first, second)).toEqual(['0host:a', '0region:r', '0zone:a', '0zone:z']);
});

test('lists: a reader that leaves ends the streams', async () => {
  let ended = 0;
  async function* watched(): AsyncGenerator<readonly ListPiece[]> {
    try {
      for (let i = 0; ; i++) yield await Promise.resolve([piece(0, '', String.fromCharCode(i))]);
    } finally {
      ended++;
    }
  }
  for await (const one of mergeLists([watched(), watched()])) if (one.texts.length > 0) break;
  expect(ended).toBe(2);
});

test('lists: all streams are asked at once, and the first that fails ends the list though others are silent', async () => {
  const asked: string[] = [];
  let answer: () => void = () => undefined;
  const silence = new Promise<void>((resolve) => (answer = resolve));
  async function* silent(): AsyncGenerator<readonly ListPiece[]> {
    asked.push('silent');
    await silence;
    yield [piece(0, '', 'a')];
  }
  async function* failing(): AsyncGenerator<readonly ListPiece[]> {
    asked.push('failing');
    yield await Promise.reject(new Error('gone'));
  }
  await expect(merged(silent(), failing(), silent())).rejects.toThrow('gone');
  expect(asked).toEqual(['silent', 'failing', 'silent']);
  answer();
});

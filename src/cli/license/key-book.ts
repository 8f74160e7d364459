/**
 * The portal's file of license keys: `{"version":1,"keys":[{"digest","dataNodesMax","coresMax","expiresAtMs"}]}`. It is read
 * for each request and replaced as a whole, so that a key is made, and taken away, while the portal serves.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { DbError } from '../../base/errors.ts';
import type { KnownKey } from '../../license/key-exchange.ts';

const bookVersion = 1;

/** Throws invalid_argument naming the file and what is wrong with it; one that is not there throws Node's error. */
export function readKeys(path: string): readonly KnownKey[] {
  const book = parse(path);
  if (!isObject(book) || book['version'] !== bookVersion || !Array.isArray(book['keys']))
    throw wrong(path, 'it is not a file of keys of version 1');
  return book['keys'].map((key: unknown, at) => {
    if (isObject(key) && isKnownKey(key)) return key;
    throw wrong(path, `key ${at} lacks its digest, limits or expiry`);
  });
}

/** Adds a key; the file is made when there is none. */
export function addKey(path: string, key: KnownKey): void {
  const keys = existsSync(path) ? readKeys(path) : [];
  const book = { version: bookVersion, keys: [...keys, key] };
  writeFileSync(`${path}.new`, `${JSON.stringify(book, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw wrong(path, 'it is not JSON', error);
    throw error;
  }
}

function isKnownKey(
  key: Readonly<Record<string, unknown>>,
): key is Record<string, unknown> & KnownKey {
  const counts = [key['dataNodesMax'], key['coresMax'], key['expiresAtMs']];
  return typeof key['digest'] === 'string' && counts.every(Number.isSafeInteger);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function wrong(path: string, reason: string, cause?: unknown): DbError {
  return new DbError('invalid_argument', `${path}: ${reason}`, { cause });
}

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Config } from './config.ts';
import { formatTomlValue, tomlReaders } from './config-value.ts';
import { dataArrayKeys, dataKeys } from './data-keys.ts';
import type { Key, KeyTable } from './key.ts';
import { metaKeys } from './meta-keys.ts';

const testdata = (name: string) =>
  readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

/** What docs/operating/configuration.md has under this heading. */
function pageOf(heading: string): string {
  const page = readFileSync(new URL('../../docs/operating/configuration.md', import.meta.url), 'utf8'); // prettier-ignore
  return page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
}

const tables: Readonly<Record<string, KeyTable>> = {
  meta: metaKeys,
  data: { ...dataKeys, ...dataArrayKeys },
};

/** Where the reference's documents and its code differ, the code's default is ours. */
const codeDefaults: Readonly<Record<string, string>> = {
  'data [data] cache-max-memory-size': '1g',
  'data [http] enqueued-write-timeout': '30s',
  'data [[collectd]] security-level': 'none',
  'data [[collectd]] auth-file': '/etc/collectd/auth_file',
};

const listed = testdata('spec-keys.txt').map((line) => {
  const [file = '', section = '', key = '', ...rest] = line.split(' ');
  const place = `${file} ${section} ${key}`;
  const text = codeDefaults[place] ?? rest.join(' ').replace(/^""$/, '');
  return { file, section: section.replaceAll(/^-$|[[\]]/g, ''), key, place, text };
});

/** `text` of a document as the value of a key of this kind. */
function valueOf({ kind }: Key, text: string) {
  if (kind === 'list' || kind === 'headers') return tomlReaders[kind](JSON.parse(text));
  if (kind === 'bool') return tomlReaders[kind](text === 'true');
  const isNumber = kind === 'integer' || kind === 'bytes';
  return tomlReaders[kind](isNumber ? BigInt(text) : text);
}

test('config keys: every key of the documents is known, with their default', () => {
  expect(listed.length).toBeGreaterThan(230);
  for (const { file, section, key, place, text } of listed) {
    const found = tables[file]?.[section]?.[key];
    if (found === undefined) throw new Error(`${place} is not known`);
    const value = formatTomlValue(found.kind, valueOf(found, text));
    const ours = tomlReaders[found.kind](
      typeof found.fallback === 'number' ? BigInt(found.fallback) : found.fallback,
    );
    expect({ place, value: formatTomlValue(found.kind, ours) }).toEqual({ place, value });
  }
});

test('config keys: those of our own are listed for users, with their defaults', () => {
  const known = new Set(listed.map(({ file, section, key }) => `${file} [${section}] ${key}`));
  const ours: Record<string, string> = {};
  for (const [file, table] of Object.entries(tables))
    for (const [section, keys] of Object.entries(table))
      for (const [key, { fallback }] of Object.entries(keys)) {
        const place = `${file} [${section}] ${key}`;
        if (!known.has(place)) ours[place] = JSON.stringify(fallback);
      }
  const rows = pageOf('Of our own').matchAll(
    /^\| (data|meta|both) \| `([^`]+)` +\| (?:`([^`]+)`)? *\|/gm,
  );
  const told: Record<string, string> = {};
  for (const [, file = '', key, value = '""'] of rows)
    for (const one of file === 'both' ? ['data', 'meta'] : [file]) told[`${one} ${key}`] = value;
  expect(told).toEqual(ours);
});

test('config keys: printed in the order and form of influxd for the keys that it has too', () => {
  const printed = Config.read({
    text: undefined,
    environment: {},
    keys: dataKeys,
    arrayKeys: dataArrayKeys,
    arraysAfter: 'logging',
    home: '/home/user',
  }).print();
  // Enterprise names [coordinator] [cluster], has other defaults for these, and no ifql.
  const differ = /^( *)(reporting-enabled|bind-address = ".*8088|format) ?.*$/;
  const theirs = qualified(testdata('influxd-1.6.7.txt'))
    .filter((line) => !line.startsWith('[ifql]'))
    .map((line) => line.replace('[coordinator]', '[cluster]'))
    .filter((line) => !differ.test(line.split('|')[1] ?? ''));
  const ours = qualified(printed.trimEnd().split('\n'));
  const shared = new Set(theirs.map((line) => line.split(' = ')[0]));
  const isShared = (line: string) => shared.has(line.split(' = ')[0]);
  expect(ours.filter(isShared).filter((line) => !/bind-address = ".*8088/.test(line))).toEqual(
    theirs,
  );
});

/** Each line with its section before it. */
function qualified(lines: readonly string[]): readonly string[] {
  let section = '';
  return lines.flatMap((line) => {
    if (/^\[/.test(line)) section = line;
    return line === '' || line === section ? [] : [`${section}|${line}`];
  });
}

test('config keys: what is without effect is listed for users with its reason, warns nobody and is printed', () => {
  const rows = pageOf('Without effect').matchAll(/^\| (data|meta) \| `([^`]+)`.*? \| +\S.* \|$/gm);
  const documented = Array.from(rows, ([, file, key]) => `${file} ${key}`);
  const all: string[] = [];
  for (const [file, { keys, arrayKeys }] of Object.entries({
    data: { keys: dataKeys, arrayKeys: dataArrayKeys as KeyTable },
    meta: { keys: metaKeys, arrayKeys: {} },
  }))
    for (const [section, key, { kind }] of ofStatus('moot', { ...keys, ...arrayKeys })) {
      all.push(`${file} ${section === '' ? key : `[${section}] ${key}`}`);
      const given =
        { bool: true, integer: 7n, duration: '7s', size: '7k', bytes: 7n }[kind as string] ?? ':7';
      const value = formatTomlValue(kind, tomlReaders[kind](given));
      const text = section === '' ? `${key} = ${value}` : `[${section}]\n${key} = ${value}`;
      const config = Config.read({ text, environment: {}, keys, arrayKeys });
      expect(config.print(), key).toContain(`${key} = ${value}`);
    }
  expect(documented.sort()).toEqual(all.sort());
});

function ofStatus(
  status: Key['status'],
  table: KeyTable,
): readonly (readonly [string, string, Key])[] {
  return Object.entries(table).flatMap(([section, keys]) =>
    Object.entries(keys).flatMap(([name, key]) =>
      key.status === status ? [[section, name, key] as const] : [],
    ),
  );
}

import type { Env } from '../../env/env.ts';
import type { DaemonName } from './command-line.ts';

/** As InfluxDB Enterprise reports itself (spec F120). */
export const version = '1.12.4-c1.12.4';
export const announcedVersion = 'v1.12.4';

/** What `version` prints (spec 1.12, F120). */
export function versionLine(name: DaemonName): string {
  if (name === 'influxd') return `InfluxDB v${version} (git: unknown unknown)\n`;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const build = `node${process.versions.node} ${process.platform}/${arch}`;
  return `InfluxDB Meta v${version} (git: unknown unknown, build: ${build})\n`;
}

/** Request ids that look like version 1 UUIDs, as the reference's. */
export function requestIds({ clock, random }: Pick<Env, 'clock' | 'random'>): () => string {
  const source = random.fork('request-ids');
  const hex = (value: number | bigint, digits: number) => value.toString(16).padStart(digits, '0');
  const node = hex(source.u32(), 8) + hex(source.u32() & 0xffff, 4);
  // 100 ns steps between 1582 and 1970.
  const epoch = 0x01b21dd213814000n;
  // Seven digits that are the same for seven minutes.
  let high = { word: -1, text: '' };
  const textOf = (word: number): string => {
    const digits = hex(word, 7).slice(-7);
    return `${digits.slice(3)}-1${digits.slice(0, 3)}`;
  };
  return () => {
    const time = clock.wallNs() / 100n + epoch;
    const word = Number(time >> 32n);
    if (word !== high.word) high = { word, text: textOf(word) };
    const low = hex(Number(time & 0xffff_ffffn), 8);
    return `${low}-${high.text}-${hex((source.u32() & 0x3fff) | 0x8000, 4)}-${node}`;
  };
}

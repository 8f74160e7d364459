import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CollectdSetting } from '../../../../test/support/collectd-setting.ts';
import { pointsOf, type GoldenPoint } from '../../../../test/support/golden-points.ts';
import type { MultiValue } from './collectd-points.ts';
import type { Trust } from './packet.ts';

interface Case {
  readonly name: string;
  readonly target: string;
  /** Base64. */
  readonly bytes: string;
  readonly points: readonly GoldenPoint[];
  readonly statistics: Readonly<Record<string, number>>;
  readonly log: readonly string[];
}

/** What influxd 1.12.4 stored, counted and logged of each datagram. */
const { typesDb, authFile, cases } = JSON.parse(
  readFileSync(new URL('testdata/reference-1.12.4.json', import.meta.url), 'utf8'),
) as { readonly typesDb: string; readonly authFile: string; readonly cases: readonly Case[] };

/** Where we differ, and what we count where all are taken. All but these are the reference's to the byte. */
const differs: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // Absolute values are taken, where the reference drops their datagram.
  'derive and counter and absolute': { pointsRx: 3 },
  // Datagrams are read whole, where the reference cuts what is beyond 1,452 bytes.
  'longer than 1452 bytes': { pointsRx: 40 },
  // A line without its newline at the end of the auth-file counts.
  'signed by the user of a line without an end': { pointsRx: 1 },
  // What cannot be stored, or would be read back as something else, is dropped.
  'no time': { droppedPointsInvalid: 1 },
  backslashes: { droppedPointsInvalid: 1 },
  newlines: { droppedPointsInvalid: 1 },
  'a name that begins with #': { droppedPointsInvalid: 1 },
  'join: no plugin': { droppedPointsInvalid: 1 },
};

const settings: Readonly<
  Record<string, { readonly securityLevel: keyof typeof Trust; readonly multiValue: MultiValue }>
> = {
  split: { securityLevel: 'none', multiValue: 'split' },
  join: { securityLevel: 'none', multiValue: 'join' },
  sign: { securityLevel: 'sign', multiValue: 'split' },
  encrypt: { securityLevel: 'encrypt', multiValue: 'split' },
};

/** What is signed the reference reads once as such, and once more as if it were not. */
const isReadTwice = (name: string): boolean => name.includes('sign');

const compared = ['bytesRx', 'pointsParseFail', 'droppedPointsInvalid'];

/** What is stored is the reference's, but for what it reads twice; what came again is there already. */
function wantedOf({ name, points }: Case, before: readonly GoldenPoint[]): readonly GoldenPoint[] {
  if (name === 'replayed again') return before;
  return name.startsWith('state before')
    ? points.filter(({ tags }) => tags['host'] === undefined)
    : points;
}

function faultOf(line: string): string {
  return /error="?(.*?)"?$/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? '';
}

for (const [target, options] of Object.entries(settings))
  test(`collectd at ${target}: what is stored, counted and logged is the reference’s`, async () => {
    const setting = await new CollectdSetting().open({ typesDb, authFile, ...options });
    const ofTarget = cases.filter((one) => one.target === target);
    expect(ofTarget.length).toBeGreaterThan(20);
    let before: readonly GoldenPoint[] = [];
    for (const one of ofTarget) {
      const { name, bytes, statistics, log } = one;
      const { written, counts, lines } = await setting.send(Buffer.from(bytes, 'base64'));
      const taken = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
      const difference = differs[`${target}: ${name}`] ?? differs[name];
      if (difference !== undefined) {
        const { pointsRx, pointsParseFail, droppedPointsInvalid } = taken;
        const wanted = target === 'encrypt' ? {} : difference;
        expect([name, { pointsRx, pointsParseFail, droppedPointsInvalid }]).toEqual([name, wanted]);
        continue;
      }
      before = wantedOf(one, before);
      expect([name, pointsOf(written)]).toEqual([name, before]);
      for (const key of isReadTwice(name) ? compared : [...compared, 'pointsRx'])
        expect([name, key, taken[key]]).toEqual([name, key, statistics[key]]);
      // Go says EOF of a count of values that only fits in 16 bits.
      if (name.includes('16 bits')) continue;
      const faults = lines.filter(({ message }) => message === 'collectd parse error');
      const wantedFaults = log.filter((line) => line.includes('collectd parse error'));
      expect([name, faults.map(({ fields }) => fields?.['error'])]).toEqual([name, wantedFaults.map(faultOf)]); // prettier-ignore
    }
  });

import { expect, test } from 'vitest';
import {
  collectdAuthFile as authFile,
  collectdCases as cases,
  collectdDiffers as differs,
  collectdTypesDb as typesDb,
  type CollectdCase,
} from '../../../../test/support/collectd-cases.ts';
import { CollectdSetting } from '../../../../test/support/collectd-setting.ts';
import { inOrder, pointsOf, type GoldenPoint } from '../../../../test/support/golden-points.ts';
import type { MultiValue } from './collectd-points.ts';
import type { Trust } from './packet.ts';

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
function wantedOf(
  { name, points }: CollectdCase,
  before: readonly GoldenPoint[],
): readonly GoldenPoint[] {
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
      expect([name, pointsOf(written)]).toEqual([name, inOrder(before)]);
      for (const key of isReadTwice(name) ? compared : [...compared, 'pointsRx'])
        expect([name, key, taken[key]]).toEqual([name, key, statistics[key]]);
      // Go says EOF of a count of values that only fits in 16 bits.
      if (name.includes('16 bits')) continue;
      const faults = lines.filter(({ message }) => message === 'collectd parse error');
      const wantedFaults = log.filter((line) => line.includes('collectd parse error'));
      expect([name, faults.map(({ fields }) => fields?.['error'])]).toEqual([name, wantedFaults.map(faultOf)]); // prettier-ignore
    }
  });

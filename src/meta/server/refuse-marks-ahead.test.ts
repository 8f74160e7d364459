import { expect, test } from 'vitest';
import { hourNs, minuteNs } from '../../base/units.ts';
import type { Command } from '../command/command.ts';
import { refuseMarksAhead } from './refuse-marks-ahead.ts';

const nowNs = 480_000n * hourNs;

function markedAt(ranUntilNs: bigint): Command {
  const marks = [{ database: 'd', name: 'q', ranUntilNs: nowNs }, { database: 'd', name: 'ahead', ranUntilNs }]; // prettier-ignore
  return { kind: 'mark-continuous-queries', lease: 'continuous_querier', token: 1, marks };
}

test('marks ahead: windows that are not over by the clock of the leader are not marked', () => {
  const told = (ranUntilNs: bigint) => () => {
    refuseMarksAhead(markedAt(ranUntilNs), { nowNs });
  };
  expect(told(nowNs + hourNs)).toThrow('clock is ahead');
  expect(told(nowNs + minuteNs + 1n)).toThrow('clock is ahead');
  expect(told(nowNs + minuteNs)).not.toThrow();
  expect(told(nowNs - hourNs)).not.toThrow();
});

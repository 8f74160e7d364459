import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Timer } from '../env/clock.ts';
import { NodeClock } from '../env/node/node-clock.ts';
import { NodeLog } from '../env/node/node-log.ts';
import { signLicense } from '../license/license-file.ts';
import { graceMs, type License } from '../license/license.ts';
import { LicenseKeeper } from './license-keeper.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-keeper-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const settings = { key: '', path: join(folder, 'l.json'), publicKeyPath: join(folder, 'key.pub') };
writeFileSync(settings.publicKeyPath, publicKey.export({ type: 'spki', format: 'pem' }));

const minuteMs = 60_000;
const startMs = 1_000_000 * minuteMs;
const license: License = {
  id: 'one',
  type: 'license-path',
  notBeforeMs: 0,
  expiresAtMs: startMs + 10 * minuteMs,
  dataNodesMax: 1,
  coresMax: 1,
};

/** Stands still until the test moves it. */
class HandClock extends NodeClock {
  nowMs = startMs;
  #periods: (() => void)[] = [];

  override wallNs(): bigint {
    return BigInt(this.nowMs) * 1_000_000n;
  }

  override every(_periodMs: number, run: () => void): Timer {
    this.#periods.push(run);
    return {
      cancel: () => {
        this.#periods = this.#periods.filter((one) => one !== run);
      },
    };
  }

  /** Minute by minute, as the keeper's timer. */
  pass(durationMs: number): void {
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs;) {
      this.nowMs += minuteMs;
      for (const run of this.#periods) run();
    }
  }
}

function open(): { clock: HandClock; keeper: LicenseKeeper; messages: () => readonly string[] } {
  const clock = new HandClock();
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = NodeLog.create({ clock, format: 'json', level: 'info', write });
  writeFileSync(settings.path, signLicense(license, privateKey));
  const keeper = LicenseKeeper.open(settings, { clock, log });
  const messages = () =>
    lines.splice(0).map((line) => {
      const { lvl, msg } = JSON.parse(line) as { readonly lvl: string; readonly msg: string };
      return `${lvl}: ${msg}`;
    });
  return { clock, keeper, messages };
}

test('license keeper: told when it expires and each hour of its grace, then the data node stops', () => {
  const { clock, keeper, messages } = open();
  let endsAtMs = 0;
  keeper.watch(() => {
    endsAtMs = clock.nowMs;
  });
  clock.pass(9 * minuteMs);
  expect(messages()).toEqual([]);
  clock.pass(1 * minuteMs);
  const warning = 'warn: The license has expired, the node goes on for its grace';
  expect(messages()).toEqual([warning]);
  clock.pass(120 * minuteMs);
  expect(messages()).toEqual([warning, warning]);
  clock.pass(graceMs - 121 * minuteMs);
  expect(endsAtMs).toBe(0);
  messages();
  clock.pass(60 * minuteMs);
  expect(endsAtMs).toBe(license.expiresAtMs + graceMs);
  expect(messages()).toEqual(['error: The license and its grace have expired, the node stops']);
});

test('license keeper: a meta node tells, and goes on', () => {
  const { clock, keeper, messages } = open();
  keeper.watch();
  clock.pass(graceMs + 60 * minuteMs);
  expect(new Set(messages())).toEqual(
    new Set(['warn: The license has expired, the next start will fail']),
  );
});

test('license keeper: a newer licence ends the grace; an invalid one changes nothing', () => {
  const { clock, keeper, messages } = open();
  keeper.watch(() => {
    throw new Error('it must not stop');
  });
  clock.pass(11 * minuteMs);
  messages();
  writeFileSync(settings.path, 'x');
  keeper.reload(settings);
  expect(messages()).toEqual(['error: The license was not reloaded, the one before stays']);
  expect(keeper.current).toEqual(license);
  const newer = { ...license, id: 'two', coresMax: 2, expiresAtMs: clock.nowMs + 2 * graceMs };
  writeFileSync(settings.path, signLicense(newer, privateKey));
  keeper.reload(settings);
  expect(messages()).toEqual([
    'warn: The number of cores of the new license takes a restart',
    'info: Reloaded the license',
  ]);
  expect(keeper.current).toEqual(newer);
  clock.pass(graceMs);
  expect(messages()).toEqual([]);
});

test.each([
  [{ key: 'k' }, 'license-key and license-path are both set'],
  [{ key: 'k', path: '' }, 'license-key is not supported in this version'],
  [{ path: '' }, 'license-path is not set'],
  [{ publicKeyPath: '' }, 'license-public-key-path is not set'],
  [{ path: join(folder, 'none') }, 'ENOENT'],
])('license keeper: %j does not open', (change, reason) => {
  const { clock } = open();
  const log = NodeLog.create({ clock, format: 'json', level: 'info', write: () => undefined });
  const attempt = () => LicenseKeeper.open({ ...settings, ...change }, { clock, log });
  expect(attempt).toThrow(`license key verification failed: `);
  expect(attempt).toThrow(reason);
});

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Timer } from '../../env/clock.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeLog } from '../../env/node/log/node-log.ts';
import type { Outbound, PostAnswer } from '../../env/outbound.ts';
import { answerExchange, digestOfKey } from '../../license/key-exchange.ts';
import { signLicense } from '../../license/license-file.ts';
import { graceMs, type License } from '../../license/license.ts';
import { LicenseKeeper } from './license-keeper.ts';
import type { LicensePorts } from './license-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-keeper-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const settings = {
  key: '',
  path: join(folder, 'l.json'),
  publicKeyPath: join(folder, 'key.pub'),
  portalUrl: '',
  folder: '/meta',
};
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
  #alarms: { readonly atMs: number; readonly run: () => void }[] = [];

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

  override after(durationMs: number, run: () => void): Timer {
    const alarm = { atMs: this.nowMs + durationMs, run };
    this.#alarms.push(alarm);
    return {
      cancel: () => {
        this.#alarms = this.#alarms.filter((one) => one !== alarm);
      },
    };
  }

  override sleep(durationMs: number): Promise<void> {
    this.nowMs += durationMs;
    return Promise.resolve();
  }

  /** Minute by minute, as the keeper's timer. */
  pass(durationMs: number): void {
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs;) {
      this.nowMs += minuteMs;
      for (const run of this.#periods) run();
    }
  }

  /** To the next alarm; false when none is set. */
  async alarm(): Promise<boolean> {
    const [next] = this.#alarms.sort((left, right) => left.atMs - right.atMs);
    if (next === undefined) return false;
    this.#alarms.shift();
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.run();
    await settled();
    return true;
  }
}

/** A turn of the event loop, in which promises that wait for nothing but each other are through. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate();
}

const kept = new Map<string, Uint8Array>();
const memoryDisk: LicensePorts['disk'] = {
  makeDir: () => Promise.resolve(),
  readFile: (path) => {
    const bytes = kept.get(path);
    if (bytes === undefined) return Promise.reject(new DbError('not_found', path));
    return Promise.resolve(bytes);
  },
  replaceFile: (path, bytes) => {
    kept.set(path, bytes);
    return Promise.resolve();
  },
};

/** A portal that is there, or not. */
class FakePortal implements Outbound {
  isAway = false;
  isReached = 0;
  lifetimeMs = 10 * minuteMs;
  coresMax = 1;
  readonly #clock: HandClock;

  constructor(clock: HandClock) {
    this.#clock = clock;
  }

  post(url: string, body: Uint8Array): Promise<PostAnswer> {
    this.isReached++;
    expect(url).toBe('http://portal/base/v1/licenses');
    if (this.isAway) return Promise.reject(new DbError('unavailable', 'connection refused'));
    const key = { digest: digestOfKey('the key'), dataNodesMax: 2, coresMax: this.coresMax, expiresAtMs: 2 * startMs }; // prettier-ignore
    const issue = { nowMs: this.#clock.nowMs, lifetimeMs: this.lifetimeMs, privateKey };
    return Promise.resolve(answerExchange(new TextDecoder().decode(body), [key], issue));
  }

  sendDatagrams(): Promise<void> {
    throw new Error('not asked for');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface Bench {
  readonly clock: HandClock;
  readonly portal: FakePortal;
  readonly ports: LicensePorts;
  readonly messages: () => readonly string[];
}

function bench(): Bench {
  const clock = new HandClock();
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = NodeLog.create({ clock, format: 'json', level: 'info', write });
  const messages = () =>
    lines.splice(0).map((line) => {
      const { lvl, msg } = JSON.parse(line) as { readonly lvl: string; readonly msg: string };
      return `${lvl}: ${msg}`;
    });
  const portal = new FakePortal(clock);
  return { clock, portal, ports: { clock, log, disk: memoryDisk, outbound: portal }, messages };
}

async function open(): Promise<Bench & { readonly keeper: LicenseKeeper }> {
  const all = bench();
  writeFileSync(settings.path, signLicense(license, privateKey));
  return { ...all, keeper: await LicenseKeeper.open(settings, all.ports) };
}

test('license keeper: told when it expires and each hour of its grace, then the data node stops', async () => {
  const { clock, keeper, messages } = await open();
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

test('license keeper: a meta node tells, and goes on', async () => {
  const { clock, keeper, messages } = await open();
  keeper.watch();
  clock.pass(graceMs + 60 * minuteMs);
  expect(new Set(messages())).toEqual(
    new Set(['warn: The license has expired, the next start will fail']),
  );
});

test('license keeper: a newer licence ends the grace; an invalid one changes nothing', async () => {
  const { clock, keeper, messages } = await open();
  keeper.watch(() => {
    throw new Error('it must not stop');
  });
  clock.pass(11 * minuteMs);
  messages();
  writeFileSync(settings.path, 'x');
  keeper.reload(settings);
  await settled();
  expect(messages()).toEqual(['error: The license was not reloaded, the one before stays']);
  expect(keeper.current).toEqual(license);
  const newer = { ...license, id: 'two', coresMax: 2, expiresAtMs: clock.nowMs + 2 * graceMs };
  writeFileSync(settings.path, signLicense(newer, privateKey));
  keeper.reload(settings);
  await settled();
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
  [{ path: '' }, 'neither license-key nor license-path is set'],
  [{ key: 'k', path: '' }, 'license-portal-url is not set'],
  [{ key: 'k', path: '', portalUrl: 'ftp://p' }, 'not an http or https address: ftp://p'],
  [{ publicKeyPath: '' }, 'license-public-key-path is not set'],
  [{ path: join(folder, 'none') }, 'ENOENT'],
])('license keeper: %j does not open', async (change, reason) => {
  const { ports } = await open();
  const attempt = LicenseKeeper.open({ ...settings, ...change }, ports);
  await expect(attempt).rejects.toThrow(`license key verification failed: `);
  await expect(LicenseKeeper.open({ ...settings, ...change }, ports)).rejects.toThrow(reason);
});

describe('license keeper of a license-key', () => {
  const keyed = {
    ...settings,
    key: 'the key',
    path: '',
    portalUrl: 'http://portal/base/',
  };
  const away = 'warn: The license was not renewed, it is tried again';
  const counts = 'warn: The license key was not exchanged, the license on disk counts';
  beforeEach(() => {
    kept.clear();
  });

  test('exchanges it, and renews what it got when half of its time is over', async () => {
    const { clock, portal, ports, messages } = bench();
    const keeper = await LicenseKeeper.open(keyed, ports);
    expect(keeper.current).toMatchObject({ type: 'license-key', dataNodesMax: 2, coresMax: 1 });
    expect(keeper.current.expiresAtMs).toBe(startMs + 10 * minuteMs);
    portal.coresMax = 4;
    expect(await clock.alarm()).toBe(true);
    expect(clock.nowMs).toBe(startMs + 5 * minuteMs);
    expect(keeper.current.expiresAtMs).toBe(startMs + 15 * minuteMs);
    expect(messages()).toEqual([
      'info: Renewed the license',
      'warn: The number of cores of the new license takes a restart',
    ]);
    await keeper.close();
    expect(await clock.alarm()).toBe(false);
  });

  test('a portal that is away is asked again past the expiry, and its answer ends the grace', async () => {
    const { clock, portal, ports, messages } = bench();
    const keeper = await LicenseKeeper.open(keyed, ports);
    keeper.watch(() => {
      throw new Error('it must not stop');
    });
    portal.isAway = true;
    while (clock.nowMs < startMs + 12 * minuteMs) await clock.alarm();
    // At half-time, and each sixteenth of the other half from there on.
    expect(portal.isReached).toBe(1 + 1 + Math.ceil((7 * 16) / 5));
    expect(new Set(messages())).toEqual(new Set([away]));
    clock.pass(minuteMs);
    expect(messages()).toEqual(['warn: The license has expired, the node goes on for its grace']);
    portal.isAway = false;
    await clock.alarm();
    expect(messages()).toEqual(['info: Renewed the license']);
    clock.pass(5 * minuteMs);
    expect(messages()).toEqual([]);
    await keeper.close();
  });

  test('a start without the portal takes the license on disk while it counts, for its key only', async () => {
    const first = bench();
    await (await LicenseKeeper.open(keyed, first.ports)).close();
    const { clock, portal, ports, messages } = bench();
    portal.isAway = true;
    clock.nowMs = startMs + 10 * minuteMs - 1;
    const keeper = await LicenseKeeper.open(keyed, ports);
    expect(keeper.current.expiresAtMs).toBe(startMs + 10 * minuteMs);
    expect(messages()).toEqual([counts]);
    await keeper.close();
    const another = LicenseKeeper.open({ ...keyed, key: 'another key' }, ports);
    await expect(another).rejects.toThrow(
      'the portal at http://portal is away: connection refused',
    );
    expect(messages()).toEqual(['warn: The license on disk does not count']);
    clock.nowMs = startMs + 10 * minuteMs;
    await expect(LicenseKeeper.open(keyed, ports)).rejects.toMatchObject({ code: 'license_invalid' }); // prettier-ignore
  });

  test('a start without the portal and without a license on disk asks three times', async () => {
    const { portal, ports } = bench();
    portal.isAway = true;
    await expect(LicenseKeeper.open(keyed, ports)).rejects.toThrow(
      'license key verification failed: the portal at http://portal is away: connection refused',
    );
    expect(portal.isReached).toBe(3);
  });

  test('a key that the portal does not know is said once; a license forged on disk counts for nothing', async () => {
    const { portal, ports, messages } = bench();
    const unknown = { ...keyed, key: 'unknown' };
    const { privateKey: forger } = generateKeyPairSync('ed25519');
    const keyDigest = digestOfKey('unknown');
    const forged = signLicense({ ...license, keyDigest }, forger);
    kept.set(`${keyed.folder}/license.json`, new TextEncoder().encode(forged));
    await expect(LicenseKeeper.open(unknown, ports)).rejects.toThrow(
      'license key verification failed: the portal answered 404: the license key is not known',
    );
    expect(portal.isReached).toBe(1);
    expect(messages()).toEqual(['warn: The license on disk does not count']);
  });

  test('a reload goes from a file to a key and back', async () => {
    const { keeper, clock, messages } = await open();
    keeper.reload(keyed);
    await settled();
    expect(keeper.current.type).toBe('license-key');
    keeper.reload({ ...keyed, key: '' });
    await settled();
    expect(keeper.current.type).toBe('license-key');
    keeper.reload(settings);
    await settled();
    expect(keeper.current.type).toBe('license-path');
    expect(messages()).toEqual([
      'info: Reloaded the license',
      'error: The license was not reloaded, the one before stays',
      'info: Reloaded the license',
    ]);
    expect(await clock.alarm()).toBe(false);
  });
});

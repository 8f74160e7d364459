/**
 * `[meta] password-hash`: a scheme, then options behind semicolons, `pbkdf2-sha256;rounds=64000;salt_len=32` (spec F102), with
 * the reference's ranges but for costs that no check could bear. Texts begin as the reference's do.
 */
import { DbError } from '../base/errors.ts';
import { bcryptCostMax, pbkdf2RoundsMax, type PasswordScheme } from '../env/password-scheme.ts';

interface Range {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

const saltBytes: Range = { fallback: 16, min: 1, max: 1_024 };
const rounds: Range = { fallback: 29_000, min: 1, max: pbkdf2RoundsMax };
const cost: Range = { fallback: 10, min: 4, max: bcryptCostMax };

const optionsOf: Readonly<Record<string, Readonly<Record<string, Range>>>> = {
  bcrypt: { cost },
  'pbkdf2-sha256': { rounds, salt_len: saltBytes },
  'pbkdf2-sha512': { rounds, salt_len: saltBytes },
};

/** What NIST SP 800-132 asks for (spec F103). */
const fipsRoundsMin = 1_000;
const fipsSaltBytesMin = 16;

/** Throws `invalid_argument`. */
export function readPasswordHash(text: string): PasswordScheme {
  const [name = '', ...given] = text.split(';');
  if (!Object.hasOwn(optionsOf, name)) throw wrong(`Unrecognized PasswordHasher: ${name}`);
  const ranges = optionsOf[name] ?? {};
  const values = new Map(Object.entries(ranges).map(([key, { fallback }]) => [key, fallback]));
  for (const option of given) {
    const [key = '', value = ''] = option.split(/=(.*)/s);
    const range = Object.hasOwn(ranges, key) ? ranges[key] : undefined;
    if (range === undefined) throw wrong(`Unrecognized ${name} option: ${option}`);
    values.set(key, numberOf(option, value, range));
  }
  const valueOf = (key: string): number => values.get(key) ?? 0;
  if (name === 'bcrypt') return { kind: 'bcrypt', cost: valueOf('cost') };
  const digest = name === 'pbkdf2-sha256' ? 'sha256' : 'sha512';
  return { kind: 'pbkdf2', digest, rounds: valueOf('rounds'), saltBytes: valueOf('salt_len') };
}

/** With every option, as the reference's log has it. */
export function printPasswordHash(scheme: PasswordScheme): string {
  if (scheme.kind === 'bcrypt') return `bcrypt;cost=${scheme.cost}`;
  return `pbkdf2-${scheme.digest};rounds=${scheme.rounds};salt_len=${scheme.saltBytes}`;
}

export function isFipsReady(scheme: PasswordScheme): boolean {
  if (scheme.kind === 'bcrypt') return false;
  return scheme.rounds >= fipsRoundsMin && scheme.saltBytes >= fipsSaltBytesMin;
}

function numberOf(option: string, value: string, { min, max }: Range): number {
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw wrong(`${option}: must be from ${min} to ${max}`);
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', `passwordhash: invalid PasswordHasher option: ${text}`);
}

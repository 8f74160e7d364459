import { DbError } from '../../base/errors.ts';
import { isFipsReady, printPasswordHash, readPasswordHash } from '../../config/password-hash.ts';
import type { Log } from '../../env/log.ts';
import type { PasswordScheme } from '../../env/password-scheme.ts';

/** Of `[meta]`, which both daemons have. */
interface PasswordConfig {
  get(section: 'meta', key: 'password-hash'): string;
  get(section: 'meta', key: 'ensure-fips'): boolean;
}

export function passwordSchemeOf(config: PasswordConfig): PasswordScheme {
  return readPasswordHash(config.get('meta', 'password-hash'));
}

/** What `/debug/vars` says of it (spec 4.6). */
export function passwordVars(config: PasswordConfig): Readonly<Record<string, unknown>> {
  const scheme = passwordSchemeOf(config);
  return {
    FIPS: isFipsReady(scheme),
    ensureFIPS: config.get('meta', 'ensure-fips'),
    implementation: 'Node.js',
    passwordHash: scheme.kind === 'bcrypt' ? 'bcrypt' : `pbkdf2-${scheme.digest}`,
  };
}

/** Logs how passwords are kept, as the reference does at each start. Throws its texts where that is not as it has to be. */
export function checkPasswordPolicy(config: PasswordConfig, log: Log): void {
  const scheme = passwordSchemeOf(config);
  const isReady = isFipsReady(scheme);
  log.info(`Password hashing configuration: ${printPasswordHash(scheme)}`);
  log.info(`Password hashing is FIPS-ready: ${isReady}`);
  if (!config.get('meta', 'ensure-fips') || isReady) return;
  const text = config.get('meta', 'password-hash');
  throw new DbError('invalid_argument', `passwordhash: not FIPS-ready: config: '${text}'`);
}

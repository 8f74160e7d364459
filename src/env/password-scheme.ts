/** How hashes of new passwords are made (`[meta] password-hash`, spec F102). */
export type PasswordScheme =
  | { readonly kind: 'bcrypt'; readonly cost: number }
  | {
      readonly kind: 'pbkdf2';
      readonly digest: 'sha256' | 'sha512';
      readonly rounds: number;
      readonly saltBytes: number;
    };

/** The reference's. */
export const defaultPasswordScheme: PasswordScheme = { kind: 'bcrypt', cost: 10 };

/**
 * What a check may cost: a hash that somebody has made up must hold no core for minutes. Each step of bcrypt's cost doubles
 * the time, which is some five seconds at this one.
 */
export const bcryptCostMax = 16;
export const pbkdf2RoundsMax = 2_000_000;

const bcryptSaltBytes = 16;

export function saltBytesOf(scheme: PasswordScheme): number {
  return scheme.kind === 'bcrypt' ? bcryptSaltBytes : scheme.saltBytes;
}

import { quoteGo } from '../base/go-format.ts';
import { DbError } from '../base/errors.ts';

const suffixBytes: Readonly<Record<string, bigint>> = {
  k: 1_024n,
  m: 1_048_576n,
  g: 1_073_741_824n,
};
const maxBytes = 18446744073709551615n;

/**
 * A size of a config file, `48m` or `25000000`, in bytes; k, m and g are powers of 1024 (spec 5).
 * Throws invalid_argument with the reference's text on anything else and past uint64.
 */
export function parseTomlSizeBytes(text: string): bigint {
  if (text === '') throw new DbError('invalid_argument', 'size was empty');
  const last = text.slice(-1);
  const isBare = /\d/.test(last);
  const unit = isBare ? 1n : suffixBytes[last.toLowerCase()];
  if (unit === undefined) {
    throw new DbError('invalid_argument', `unknown size suffix: ${last} (expected k, m, or g)`);
  }
  const digits = isBare ? text : text.slice(0, -1);
  if (!/^\d+$/.test(digits)) {
    const reason = `strconv.ParseUint: parsing ${quoteGo(digits)}: invalid syntax`;
    throw new DbError('invalid_argument', `invalid size: ${reason}`);
  }
  const sizeBytes = BigInt(digits) * unit;
  if (sizeBytes > maxBytes) {
    const reason = `size would overflow the max size (${maxBytes}) of a uint: ${text}`;
    throw new DbError('invalid_argument', reason);
  }
  return sizeBytes;
}

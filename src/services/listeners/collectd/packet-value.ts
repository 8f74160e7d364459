import { SourceKind } from './types-db.ts';

/**
 * One value of a datagram as a number, made what types.db says its source is, as the reference does: a conversion between
 * integers keeps the bits, one of a float to an integer cuts it, and gives what amd64 gives where it does not fit.
 */
export function packetValue(
  bytes: Uint8Array,
  at: number,
  { sent, wanted }: { readonly sent: number; readonly wanted: SourceKind },
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  const isUnsigned = wanted === SourceKind.counter || wanted === SourceKind.absolute;
  if (sent === SourceKind.gauge) {
    const value = view.getFloat64(0, true);
    if (wanted === SourceKind.gauge) return value;
    return isUnsigned ? cutToUnsigned(value) : cutToSigned(value);
  }
  const wasSigned = sent === SourceKind.derive;
  const isSigned = wanted === SourceKind.gauge ? wasSigned : !isUnsigned;
  const high = isSigned ? view.getInt32(0) : view.getUint32(0);
  return high * 2 ** 32 + view.getUint32(4);
}

function cutToSigned(value: number): number {
  return value >= -(2 ** 63) && value < 2 ** 63 ? Math.trunc(value) + 0 : -(2 ** 63);
}

function cutToUnsigned(value: number): number {
  const whole = Math.trunc(value);
  if (whole >= 0 && whole < 2 ** 64) return whole + 0;
  return whole < 0 && whole >= -(2 ** 63) ? 2 ** 64 + whole : 2 ** 63;
}

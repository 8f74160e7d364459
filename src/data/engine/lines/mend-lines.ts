import { endOfLine, parseLineAt, type LineOptions } from '../../../models/line-protocol.ts';
import type { LineErrors } from '../../../models/line-errors.ts';
import { printLine } from '../../../models/print-line.ts';
import type { PointSieve } from './point-sieve.ts';

export interface MendPorts extends LineOptions {
  readonly errors: LineErrors;
  readonly sieve: PointSieve;
}

/**
 * The text with the lines in `ranges` spelled as the kernel takes them, as far as they can be. Those that are no points, or that no shard may
 * take, are left out: `errors` and `sieve` are told. `ranges` are starts and ends, in order, the end without the newline.
 */
export function mendLines(text: Uint8Array, ranges: Uint32Array, ports: MendPorts): Uint8Array {
  const parts: Uint8Array[] = [];
  let kept = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    const [start = 0, end = 0] = ranges.subarray(i, i + 2);
    if (start > kept) parts.push(text.subarray(kept, start));
    for (let at = start; at < end;) {
      const lineEnd = endOfLine(text, at);
      const written = parseLineAt(text.subarray(at, lineEnd), ports, ports.errors);
      const point = written && ports.sieve.take(written);
      if (point !== undefined)
        parts.push(printLine(point, ports.stepNs) ?? text.subarray(at, lineEnd + 1));
      at = lineEnd + 1;
    }
    kept = end + 1;
  }
  if (kept < text.length) parts.push(text.subarray(kept));
  return Buffer.concat(parts);
}

/** Two lists of ranges, each in order and apart from the other, as one. */
export function mergeRanges(left: Uint32Array, right: Uint32Array): Uint32Array {
  if (right.length === 0) return left;
  const merged = new Uint32Array(left.length + right.length);
  let [l, r] = [0, 0];
  for (let at = 0; at < merged.length; at += 2) {
    const isLeft = r >= right.length || (left[l] ?? Infinity) < (right[r] ?? 0);
    const from = isLeft ? left : right;
    const index = isLeft ? l : r;
    merged.set(from.subarray(index, index + 2), at);
    if (isLeft) l += 2;
    else r += 2;
  }
  return merged;
}

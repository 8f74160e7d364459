import type { SelectStatement } from '../../influxql/ast.ts';
import { printStatement } from '../../influxql/printer.ts';

/** `start end` of a select's range, in seconds from `originNs` on. */
export function printSelectTimes(select: SelectStatement, originNs: bigint): string {
  const times = [...printStatement(select).matchAll(/'(\d{4}-[^']+)'/g)].map(([, text = '']) => {
    return (BigInt(Date.parse(text)) * 1_000_000n - originNs) / 1_000_000_000n;
  });
  return times.join(' ');
}

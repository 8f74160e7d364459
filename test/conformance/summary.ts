import type { CaseOutcome } from './replay.ts';

/** A line per kind: how many cases pass, fail and say that they are not supported. */
export function summaryTable(outcomes: readonly CaseOutcome[]): string {
  const kinds = [...new Set(outcomes.map(({ recorded }) => recorded.kind))].sort();
  const count = (kind: string, verdict: string): number =>
    outcomes.filter(
      (one) => (kind === 'all' || one.recorded.kind === kind) && one.verdict === verdict,
    ).length;
  const rows = [...kinds, 'all'].map((kind) => {
    const counts = ['pass', 'fail', 'unsupported'].map((verdict) => count(kind, verdict));
    const total = counts.reduce((sum, one) => sum + one, 0);
    return [kind, ...counts.map(String), String(total)];
  });
  const lines = [['kind', 'pass', 'fail', 'unsupported', 'cases'], ...rows];
  return lines
    .map(
      (cells) =>
        `${cells.map((cell, at) => (at === 0 ? cell.padEnd(12) : cell.padStart(12))).join('')}\n`,
    ) // prettier-ignore
    .join('');
}

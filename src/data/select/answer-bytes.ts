import type { OutputSeries } from '../../query/emit/result.ts';

/** What a piece of an answer takes of memory while it is held back: its columns, and then their text in the document. */
export function answerBytes(series: OutputSeries): number {
  if (series.kind !== 'columns') return 0;
  let bytes = series.timesNs.byteLength;
  for (const { values, valid } of series.values) {
    const isText = 'offsets' in values;
    bytes += isText ? values.offsets.byteLength + textBytes(values) : values.byteLength;
    bytes += valid?.byteLength ?? 0;
  }
  return bytes * copiesHeld;
}

const copiesHeld = 2;

function textBytes({ offsets }: { readonly offsets: Uint32Array }): number {
  return (offsets[offsets.length - 1] ?? 0) - (offsets[0] ?? 0);
}

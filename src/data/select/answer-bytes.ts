import type { OutputSeries } from '../../query/emit/result.ts';

/**
 * What a piece of an answer takes of memory until it is sent, if the answer is held whole: its columns, the columns once
 * more while pieces are joined, and their text in the document.
 */
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

const copiesHeld = 4;

function textBytes({ offsets }: { readonly offsets: Uint32Array }): number {
  return (offsets[offsets.length - 1] ?? 0) - (offsets[0] ?? 0);
}

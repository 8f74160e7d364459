import { rowsDifference, type Row } from './compare-rows.ts';
import { Digits } from './exact-json.ts';
import type { Tolerance } from './compare-values.ts';

/** Two CSV answers, cell by cell; rows of one series and equal time may stand in any order. */
export function csvDifference(
  ours: string,
  theirs: string,
  tolerance: Tolerance,
): string | undefined {
  let timeAt = -1;
  let headers = 0;
  /** A header line says where the time stands below it, and is alone under its key. */
  const keyOf = (row: Row): string => {
    const cells = row.map((cell) => (cell instanceof Digits ? cell.text : (cell as string)));
    if (cells[0] === 'name' && cells[1] === 'tags') {
      timeAt = cells.indexOf('time');
      return `header ${headers++}`;
    }
    return timeAt < 0 ? `row ${headers++}` : JSON.stringify([cells[0], cells[1], cells[timeAt]]);
  };
  return rowsDifference(parseCsv(ours), parseCsv(theirs), { ...tolerance, keyOf });
}

/** RFC 4180 records; a cell that reads as a number is one. */
function parseCsv(text: string): Row[] {
  const rows: Row[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/gy;
  let row: (string | Digits)[] = [];
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (match === null) throw new Error(`no CSV: ${text.slice(cell.lastIndex, 80)}`);
    const [, quoted, bare = '', end] = match;
    row.push(quoted === undefined ? cellOf(bare) : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

function cellOf(text: string): string | Digits {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text) ? new Digits(text) : text;
}

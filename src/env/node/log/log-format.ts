import type { LogFields, LogLevel } from '../../log.ts';

export type LogFormat = 'logfmt' | 'json' | 'console';

/** Levels by rank; a line is written when its rank is at least that of the log. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[];

/** One line in the order of the reference: ts, lvl, msg, log_id, then the fields. */
export interface LogLine {
  readonly ts: string;
  readonly lvl: string;
  readonly msg: string;
  readonly fields: LogFields;
}

/** Without the newline. */
export function formatLine(format: 'logfmt' | 'console', line: LogLine): string {
  let rest = '';
  for (const [key, value] of Object.entries(line.fields))
    if (value !== undefined) rest += ` ${key}=${quoteValue(String(value))}`;
  if (format === 'console')
    return [line.ts, line.lvl, line.msg, rest.slice(1)].join('\t').trimEnd();
  return `ts=${line.ts} lvl=${line.lvl} msg=${quoteValue(line.msg)}${rest}`;
}

/** logfmt quotes what holds a space, `=`, `"` or a control character; not the empty text. */
export function quoteValue(given: string): string {
  const text = given.toWellFormed();
  return /^[^\s="\u0000-\u001f\u007f\ufffd]*$/.test(text) ? text : JSON.stringify(text);
}

const idAlphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~';
const idEpochMs = 1491696000000n;

/** The reference's log_id: a snowflake of time and chance as 11 characters that sort by time. */
export function createLogId(wallNs: bigint, chance: number): string {
  const milliseconds = wallNs / 1_000_000n - idEpochMs;
  let id = (milliseconds << 22n) | BigInt(chance & 0x3fffff);
  let text = '';
  for (let index = 0; index < 11; index++) {
    text = (idAlphabet[Number(id & 63n)] ?? '0') + text;
    id >>= 6n;
  }
  return text;
}

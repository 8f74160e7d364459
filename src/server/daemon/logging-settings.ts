import type { Config } from '../../config/config.ts';
import type { loggingKeys } from '../../config/key.ts';
import type { LogLevel } from '../../env/log.ts';

export interface LoggingSettings {
  readonly format: 'auto' | 'logfmt' | 'json';
  readonly level: LogLevel;
  readonly suppressLogo: boolean;
  /** What is said at the start where `format` is none: the node runs all the same, as the reference does. */
  readonly trouble?: string;
}

/** `[logging]` as the reference takes it: "console" is for terminals, which `auto` gives it to, and no format that can be asked for. */
export function loggingSettings(
  logging: Pick<Config<{ readonly logging: typeof loggingKeys }>, 'get'>,
): LoggingSettings {
  const format = logging.get('logging', 'format');
  const others = {
    level: levelOf(logging.get('logging', 'level').toLowerCase()),
    suppressLogo: logging.get('logging', 'suppress-logo'),
  };
  if (format === 'logfmt' || format === 'json') return { format, ...others };
  const isAuto = format === '' || format === 'auto';
  return { format: 'auto', ...others, ...(!isAuto && { trouble: `unknown logging format: ${format}` }) }; // prettier-ignore
}

/** Levels past error have no lines of their own here: what ends a node is told as an error. */
function levelOf(text: string): LogLevel {
  if (text === '') return 'info';
  return text === 'debug' || text === 'info' || text === 'warn' ? text : 'error';
}

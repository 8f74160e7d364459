/** The logs that may have files of their own: of requests (spec F114) and of queries (spec F63). */
import { errorText } from '../../base/errors.ts';
import type { Log } from '../../env/log.ts';
import { LogFile } from '../daemon/log-file.ts';
import type { DaemonEnv } from '../daemon/run-daemon.ts';
import type { DataConfig } from './data-config.ts';

export interface LogFiles {
  /** Takes a line without its newline. */
  readonly accessLine: (line: string) => void;
  /** Undefined where queries are not told. */
  readonly queryLog: Log | undefined;
  /** From now on lines go to what is at the paths (SIGHUP). */
  reopen(): void;
  close(): Promise<void>;
}

/** Opens what the configuration names. A file that cannot be opened stops no start: its lines go where all others go. */
export async function openLogFiles(env: DaemonEnv, config: DataConfig): Promise<LogFiles> {
  const files = new Map<string, LogFile>();
  const ofHttp = env.log.child('httpd');
  let accessFile: LogFile | undefined;
  if (config.get('http', 'enabled') && config.get('http', 'log-enabled')) {
    const path = config.get('http', 'access-log-path');
    accessFile = await openFile(env, files, { path, name: 'access log', log: ofHttp });
    if (path === '' || accessFile !== undefined)
      ofHttp.info('opened HTTP access log', { path: path === '' ? 'stderr' : path });
  }
  const isTold = config.get('data', 'query-log-enabled');
  const path = isTold ? config.get('data', 'query-log-path') : '';
  const queryFile = await openFile(env, files, { path, name: 'query log', log: env.log });
  const ofRequests = env.log.ofRequests();
  const queryRoot = queryFile === undefined ? ofRequests : env.log.into((line) => { queryFile.write(line); }); // prettier-ignore
  return {
    accessLine: (line) => {
      if (accessFile === undefined) ofRequests.plain(`[httpd] ${line}`);
      else accessFile.write(`${line}\n`);
    },
    queryLog: isTold ? queryRoot.child('query') : undefined,
    reopen: () => {
      for (const file of files.values()) file.reopen();
    },
    close: async () => {
      for (const file of files.values()) await file.close();
    },
  };
}

/** One for each path; undefined without one, or where it cannot be opened. */
async function openFile(
  { clock, disk }: DaemonEnv,
  files: Map<string, LogFile>,
  { path, name, log }: { readonly path: string; readonly name: string; readonly log: Log },
): Promise<LogFile | undefined> {
  if (path === '') return undefined;
  const known = files.get(path);
  if (known !== undefined) return known;
  try {
    const file = await LogFile.open({ clock, disk, log }, path);
    files.set(path, file);
    return file;
  } catch (error) {
    log.error(`unable to open ${name}, falling back to stderr`, { error: errorText(error), path });
    return undefined;
  }
}

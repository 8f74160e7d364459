import { errorText } from '../../base/errors.ts';
import type { Env } from '../../env/env.ts';
import { createPprofApi } from '../../http/debug/pprof-api.ts';
import { listenAt } from './addresses.ts';
import type { DataConfig } from './data-config.ts';

const debugAddress = 'localhost:6060';

/**
 * `[http] debug-pprof-enabled`: profiles while the node still starts. As in the reference a node starts without where the address is
 * taken.
 */
export async function openDebugProfiles(
  { clock, profiler, log }: Pick<Env, 'clock' | 'profiler' | 'log'>,
  config: DataConfig,
): Promise<{ close(): Promise<void> } | undefined> {
  if (!config.get('http', 'debug-pprof-enabled')) return undefined;
  const api = createPprofApi({ clock, profiler });
  try {
    await listenAt(api, debugAddress);
  } catch (error) {
    log.warn('Profiles for debugging are not served', { error: errorText(error) });
    await api.close();
    return undefined;
  }
  log.info('Listening for profiles', { addr: debugAddress });
  return api;
}

import type { OfflineFlags, OfflinePorts } from '../../cli/influxdb/offline-ports.ts';
import { recoverFlags, recoverUsage } from '../../cli/recovery/recover-syntax.ts';
import type { Config } from '../../config/config.ts';
import type { metaKeys } from '../../config/meta-keys.ts';
import type { OfflineCommand } from '../daemon/run-daemon.ts';
import { advertised } from '../node/addresses.ts';
import { markForm } from '../node/form-mark.ts';

/** What is done with a meta node's folder while it is stopped. Loaded when it is asked for. */
export const metaCommands: readonly OfflineCommand<typeof metaKeys>[] = [
  {
    name: 'recover',
    about: 'make this stopped node the only meta node, when most are lost',
    flags: recoverFlags,
    usage: recoverUsage,
    run: runRecover,
  },
];

async function runRecover(
  ports: OfflinePorts,
  config: Config<typeof metaKeys>,
  flags: OfflineFlags,
): Promise<void> {
  const { recover } = await import('../../cli/recovery/recover-command.ts');
  const { NodeKvOpener } = await import('../../env/node/node-kv.ts');
  const folder = config.get('meta', 'dir');
  const addressOf = (key: 'bind-address' | 'http-bind-address') => advertised(config.get('', 'hostname'), config.get('meta', key)); // prettier-ignore
  const self = { tcpAddress: addressOf('bind-address'), httpAddress: addressOf('http-bind-address') }; // prettier-ignore
  const open = async () => {
    await markForm(ports.disk, folder);
    return new NodeKvOpener().open(folder);
  };
  await recover({ ...ports, open }, self, flags);
}

import { availableParallelism, homedir } from 'node:os';
import { Config } from '../../config/config.ts';
import { dataArrayKeys, dataKeys } from '../../config/data-keys.ts';
import { influxCommands } from './influx-commands.ts';
import { LicenseKeeper, licenseSettings } from '../license/license-keeper.ts';
import { runDaemon } from '../daemon/run-daemon.ts';
import { dialLimits } from '../node/dial-limits.ts';
import { checkPasswordPolicy } from '../node/password-policy.ts';
import { dataSecureDial } from '../node/secure-peers.ts';
import { workerCountOf } from '../node/worker-count.ts';

const home = homedir();

void runDaemon(
  {
    name: 'influxd',
    places: {
      variable: 'INFLUXDB_CONFIG_PATH',
      paths: [`${home}/.influxdb/influxdb.conf`, '/etc/influxdb/influxdb.conf'],
    },
    generatedName: 'influxdb.generated.conf',
    read: (input) => {
      const tables = { keys: dataKeys, arrayKeys: dataArrayKeys, arraysAfter: 'logging' } as const;
      return Config.read({ ...input, ...tables, home });
    },
    offline: influxCommands,
    secureDial: dataSecureDial,
    dialMs: dialLimits,
    check: checkPasswordPolicy,
    start: async (env, config, { onFatal }) => {
      const licenses = await LicenseKeeper.open(licenseSettings(config), env);
      const coreCount = availableParallelism();
      // The workers' threads load their modules while this one does.
      env.engines.prepare(workerCountOf(licenses.current, coreCount));
      // Loaded when it is known to start: `config`, `version` and refusals are quick without.
      const { startDataServer } = await import('../node/data-server.ts');
      const server = await startDataServer(env, config, { licenses, coreCount, onFatal });
      licenses.watch(() => {
        onFatal(new Error('the license has expired'));
      });
      return {
        close: async () => {
          await licenses.close();
          await server.close();
        },
        reload: (changed) => {
          licenses.reload(licenseSettings(changed));
          server.reload(changed);
        },
      };
    },
  },
  { argv: process.argv.slice(2), environment: process.env, exit: (code) => process.exit(code) },
);

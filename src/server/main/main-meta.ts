import { homedir } from 'node:os';
import { Config } from '../../config/config.ts';
import { metaKeys } from '../../config/meta-keys.ts';
import { LicenseKeeper, licenseSettings } from '../license/license-keeper.ts';
import { metaCommands } from './meta-commands.ts';
import { checkPasswordPolicy } from '../node/password-policy.ts';
import { metaSecureDial } from '../node/secure-peers.ts';
import { runDaemon } from '../daemon/run-daemon.ts';

const home = homedir();

void runDaemon(
  {
    name: 'influxd-meta',
    places: {
      variable: 'INFLUXDB_META_CONFIG_PATH',
      paths: [`${home}/.influxdb/influxdb-meta.conf`, '/etc/influxdb/influxdb-meta.conf'],
    },
    generatedName: 'influxdb-meta.generated.conf',
    read: (input) => Config.read({ ...input, keys: metaKeys, home }),
    offline: metaCommands,
    secureDial: metaSecureDial,
    check: checkPasswordPolicy,
    start: async (env, config, { line, onFatal }) => {
      const licenses = await LicenseKeeper.open(licenseSettings(config), env);
      // Loaded when it is known to start: `config`, `version` and refusals are quick without.
      const { startMetaServer } = await import('../node/meta-server.ts');
      const { isSingleServer } = line;
      const license = licenses.current;
      const server = await startMetaServer(env, config, { license, onFatal, isSingleServer });
      licenses.watch();
      // Meta nodes take a new licence at a restart (spec F7).
      return {
        reload: server.reload,
        close: async () => {
          await licenses.close();
          await server.close();
        },
      };
    },
  },
  { argv: process.argv.slice(2), environment: process.env, exit: (code) => process.exit(code) },
);

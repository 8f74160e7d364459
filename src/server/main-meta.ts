import { homedir } from 'node:os';
import { Config } from '../config/config.ts';
import { metaKeys } from '../config/meta-keys.ts';
import { readLicense } from './license-check.ts';
import { startMetaServer } from './meta-server.ts';
import { runDaemon } from './run-daemon.ts';

await runDaemon(
  {
    name: 'influxd-meta',
    configPaths: [`${homedir()}/.influxdb/influxdb-meta.conf`, '/etc/influxdb/influxdb-meta.conf'],
    generatedName: 'influxdb-meta.generated.conf',
    reloadsOnHup: false,
    read: (text) => Config.read({ text, environment: process.env, keys: metaKeys }),
    start: (env, config, onFatal) => {
      const settings = {
        key: config.get('enterprise', 'license-key'),
        path: config.get('enterprise', 'license-path'),
        publicKeyPath: config.get('enterprise', 'license-public-key-path'),
      };
      const license = readLicense(settings, Number(env.clock.wallNs() / 1_000_000n));
      return startMetaServer(env, config, { license, onFatal });
    },
  },
  { argv: process.argv.slice(2), environment: process.env, exit: (code) => process.exit(code) },
);

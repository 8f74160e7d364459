import { homedir, availableParallelism } from 'node:os';
import { Config } from '../config/config.ts';
import { dataArrayKeys, dataKeys } from '../config/data-keys.ts';
import { startDataServer } from './data-server.ts';
import { readLicense, watchLicense } from './license-check.ts';
import { runDaemon } from './run-daemon.ts';

await runDaemon(
  {
    name: 'influxd',
    configPaths: [`${homedir()}/.influxdb/influxdb.conf`, '/etc/influxdb/influxdb.conf'],
    generatedName: 'influxdb.generated.conf',
    reloadsOnHup: true,
    read: (text) =>
      Config.read({ text, environment: process.env, keys: dataKeys, arrayKeys: dataArrayKeys }),
    start: async (env, config, onFatal) => {
      const settings = {
        key: config.get('enterprise', 'license-key'),
        path: config.get('enterprise', 'license-path'),
        publicKeyPath: config.get('enterprise', 'license-public-key-path'),
      };
      const license = readLicense(settings, Number(env.clock.wallNs() / 1_000_000n));
      const coreCount = availableParallelism();
      const server = await startDataServer(env, config, { license, coreCount, onFatal });
      watchLicense(license, env, () => {
        onFatal(new Error('the license has expired'));
      });
      return server;
    },
  },
  { argv: process.argv.slice(2), environment: process.env, exit: (code) => process.exit(code) },
);

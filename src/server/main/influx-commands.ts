import type { NodeFolders, OfflineFlags, OfflinePorts } from '../../cli/influxdb/offline-ports.ts';
import { exportFlags, exportUsage, importFlags, importUsage } from '../../cli/influxdb/offline-syntax.ts'; // prettier-ignore
import type { dataKeys } from '../../config/data-keys.ts';
import type { DataConfig } from '../node/data-config.ts';
import type { OfflineCommand } from '../daemon/run-daemon.ts';

/** Coming from a single InfluxDB, and going back (spec F87). Loaded when one of them is asked for. */
export const influxCommands: readonly OfflineCommand<typeof dataKeys>[] = [
  {
    name: 'import-oss',
    about: 'import the folders of a stopped InfluxDB into this node',
    flags: importFlags,
    usage: importUsage,
    run: runImport,
  },
  {
    name: 'export-oss',
    about: 'write what this stopped node has as the folders of an InfluxDB',
    flags: exportFlags,
    usage: exportUsage,
    run: runExport,
  },
];

async function runImport(
  ports: OfflinePorts,
  config: DataConfig,
  flags: OfflineFlags,
): Promise<void> {
  const { importInflux } = await import('../../cli/influxdb/import-command.ts');
  await importInflux(ports, foldersOf(config), flags);
}

async function runExport(
  ports: OfflinePorts,
  config: DataConfig,
  flags: OfflineFlags,
): Promise<void> {
  const { exportFolders } = await import('../../cli/influxdb/export-folders-command.ts');
  await exportFolders(ports, foldersOf(config), flags);
}

function foldersOf(config: DataConfig): NodeFolders {
  return {
    data: config.get('data', 'dir'),
    wal: config.get('data', 'wal-dir'),
    meta: config.get('meta', 'dir'),
  };
}

import {
  exportFlags,
  exportFolders,
  exportUsage,
} from '../../cli/influxdb/export-folders-command.ts';
import { importFlags, importInflux, importUsage } from '../../cli/influxdb/import-command.ts';
import type { NodeFolders } from '../../cli/influxdb/offline-ports.ts';
import type { dataKeys } from '../../config/data-keys.ts';
import type { DataConfig } from '../node/data-node.ts';
import type { OfflineCommand } from '../daemon/run-daemon.ts';

/** Coming from a single InfluxDB, and going back (spec F87). */
export const influxCommands: readonly OfflineCommand<typeof dataKeys>[] = [
  {
    name: 'import-oss',
    about: 'import the folders of a stopped InfluxDB into this node',
    flags: importFlags,
    usage: importUsage,
    run: (ports, config, flags) => importInflux(ports, foldersOf(config), flags),
  },
  {
    name: 'export-oss',
    about: 'write what this stopped node has as the folders of an InfluxDB',
    flags: exportFlags,
    usage: exportUsage,
    run: (ports, config, flags) => exportFolders(ports, foldersOf(config), flags),
  },
];

function foldersOf(config: DataConfig): NodeFolders {
  return {
    data: config.get('data', 'dir'),
    wal: config.get('data', 'wal-dir'),
    meta: config.get('meta', 'dir'),
  };
}

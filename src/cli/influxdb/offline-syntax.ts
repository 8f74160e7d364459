/** What is said of the offline commands without loading them. */
export const importFlags = {
  from: 'text',
  'data-dir': 'text',
  'wal-dir': 'text',
  'meta-dir': 'text',
  'id-offset': 'text',
  'dry-run': 'switch',
} as const;

export const importUsage = `Imports what a stopped InfluxDB 1.x has into the folders of this data node.

Usage: influxd import-oss [flags]

  -config path        the configuration of this data node
  -from path          the folder that has data, wal and meta of the InfluxDB
  -data-dir path      its data folder, instead of data in -from
  -wal-dir path       its wal folder, instead of wal in -from
  -meta-dir path      its meta folder, instead of meta in -from
  -id-offset n        added to the ids of its shards, for a cluster that has given some already
  -dry-run            reads and checks all of it, says what would be done, and changes nothing

Then start the node and add it to the cluster: influxd-ctl add-data HOST:8088
`;

export const exportFlags = { out: 'text', database: 'text' } as const;

export const exportUsage = `Writes what this data node has, which is stopped, as the folders of an InfluxDB 1.x.

Usage: influxd export-oss [flags]

  -config path        the configuration of this data node
  -out path           where data, wal and meta are made; shards that are there already are left as they are
  -database name      this database alone

Run it on every data node with the same -out, or copy their data folders together, where no node owns all shards. Line
protocol instead: influx_inspect export.
`;

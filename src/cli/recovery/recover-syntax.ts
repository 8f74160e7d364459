/** What is said of `influxd-meta recover` without loading it. */
export const recoverFlags = {
  catalogs: 'text',
  'dry-run': 'switch',
  force: 'switch',
} as const;

export const recoverUsage = `Makes this meta node, which is stopped, the first of its cluster again, when most meta nodes are lost for good.

Usage: influxd-meta recover [flags]

  -config path        the configuration of this meta node
  -catalogs path      a folder with a folder for each data node, in which are copies of identity, catalog and
                      catalog.changes of its [meta] dir
  -dry-run            says what would be done, and changes nothing
  -force              goes on without the catalogs of some data nodes: what they alone have heard of is lost

Then start the node, and add the others, whose folders are empty: influxd-ctl add-meta HOST:8091
`;

/** The help text (spec 2.1): every command of the reference, whether it is built yet or not, and ours. */
export const usage = `Usage: influxd-ctl [options] <command> [options] [<args>]

Available commands are:
   add-data            Add a data node
   add-meta            Add a meta node
   backup              Backup a cluster
   copy-shard          Copy a shard between data nodes
   copy-shard-status   Show all active copy shard tasks
   decommission        Move what a data node owns to others, and remove it
   entropy             Manage entropy in a cluster
   join                Join a meta or data node
   kill-copy-shard     Abort an in-progress shard copy
   ldap                Manage LDAP in a cluster
   leave               Remove a meta or data node
   node-labels         Manage node labels
   rebalance           Move shards so that data nodes own as much each
   remove-data         Remove a data node
   remove-meta         Remove a meta node
   remove-shard        Remove a shard from a data node
   replace-data        Move what a data node owns to another, and remove it
   restore             Restore a backup of a cluster
   show                Show cluster members
   show-shards         Shows the shards in a cluster
   update-data         Update a data node
   token               Generates a signed JWT token
   truncate-shards     Truncate current shards

Options:

  -auth-type string
    	Type of authentication to use (none, basic, jwt) (default "none")
  -bind string
    	Bind HTTP address of a meta node (default "localhost:8091")
  -bind-tls
    	Use TLS
  -config string
    	Config file path
  -k	Skip certificate verification (ignored without -bind-tls)
  -pwd string
    	Password (ignored without -auth-type basic)
  -secret string
    	JWT shared secret (ignored without -auth-type jwt)
  -timeout duration
    	Timeout of an operation (default 10s)
  -user string
    	User name (ignored without -auth-type basic | jwt)
`;

/** Every command of the reference, and ours. */
export const commandNames: ReadonlySet<string> = new Set(
  [...usage.matchAll(/^ {3}([a-z-]+) /gm)].map(([, name = '']) => name),
);

const commandUsages: Readonly<Record<string, string>> = {
  'add-data': `Usage: influxd-ctl add-data [-p] <tcp-addr>

Adds the data node that listens for other nodes at <tcp-addr>, host:8088.

  -p	As a passive node: it takes writes and queries, and owns no shards
`,
  'add-meta': `Usage: influxd-ctl add-meta <http-addr>

Adds the meta node whose HTTP API is at <http-addr>, host:8091. The first one founds the cluster.
`,
  backup: `Usage: influxd-ctl backup [flags] <backup-dir>
       influxd-ctl backup verify <backup-dir | manifest>

Backs up the databases of the cluster and one copy of each of its shards; or says whether a backup can be restored.

  -bufsize int
    	Bytes that are written to a file at a time (default 1048576)
  -cpuprofile string
    	Write a CPU profile to this file
  -db string
    	This database alone
  -end string
    	Shards with times up to this one, RFC3339 (not with -strategy full)
  -estimate
    	Only say what would be moved
  -from string
    	Data node, host:8088, that is asked first
  -full
    	The same as -strategy full (deprecated)
  -gzipBlockCount int
    	Blocks that are compressed at a time (default: CPU cores)
  -gzipBlockSize int
    	Bytes of a block (default 1048576)
  -gzipCompressionLevel string
    	default, full, speedy or none (default "default")
  -rp string
    	This retention policy alone (with -db)
  -shard int
    	This shard alone
  -staleness-threshold duration
    	Leave out what was written to less than this after the backup before (with -strategy incremental)
  -start string
    	Shards with times from this one on, RFC3339 (not with -strategy full)
  -strategy string
    	only-meta, full or incremental (default "incremental")
`,
  entropy: `Usage: influxd-ctl entropy show [-v]
       influxd-ctl entropy repair <shard-id>
       influxd-ctl entropy kill-repair <shard-id>

show        Shards whose owners have not the same points, of those whose time has passed, and those that are queued for a
            repair. Digests are compared, no points are moved.
repair      Queues a shard on the first of its owners: all of them get what they lack of each other. Data nodes need
            [anti-entropy] enabled = true.
kill-repair Takes a shard out of the queue, and ends a repair that has begun: what it has brought stays.

  -v	Show how much each owner has, and how much of it differs
`,
  restore: `Usage: influxd-ctl restore [flags] <backup-dir>
       influxd-ctl restore [flags] -full <manifest>

Restores a backup into databases that are not there yet.

  -db string
    	This database alone
  -full
    	The argument is a manifest: what that one backup has
  -list
    	Show what there is to restore
  -meta-only-overwrite-force
    	Databases, policies and users become those of the backup, which is of this cluster; others are dropped
  -newdb string
    	Name of the database (with -db)
  -newduration duration
    	Duration of the retention policy, 0s for ever (with -rp)
  -newrf int
    	Copies of each shard, no more than there are data nodes
  -newrp string
    	Name of the retention policy (with -rp)
  -newshard int
    	Shard without points that takes those of -shard
  -rp string
    	This retention policy alone (with -db)
  -shard int
    	The points of this shard alone
`,
  ldap: `Usage: influxd-ctl ldap get-config [-with-passwords]
       influxd-ctl ldap set-config <ldap-config-toml>
       influxd-ctl ldap sample-config
       influxd-ctl ldap verify [-ldap-config <file>] <username> <password>
       influxd-ctl ldap purge-cache
       influxd-ctl ldap warm-cache [-cancel] [-status]

get-config     Prints the LDAP configuration of the cluster
set-config     Makes a file, or with - the standard input, the configuration of the cluster
sample-config  Prints a sample to begin with
verify         Tries to authenticate from here, step by step, as a node would
purge-cache    Has all data nodes forget the users and groups that they remember
warm-cache     Has all data nodes ask who is in the groups of the configuration

  -cancel
    	Cancel a warming in progress
  -ldap-config string
    	File to take instead of the configuration of the cluster (- for the standard input)
  -status
    	Show how the warming stands
  -with-passwords
    	Print bind-password, too
`,
  join: `Usage: influxd-ctl join [-p] [-v] [meta-http-addr]

Adds the meta and the data node of this host through a meta node (default localhost:8091).

  -p	The data node as a passive one, which owns no shards
  -v	Say why a node was not added
`,
  show: `Usage: influxd-ctl show

Shows the members of the cluster.
`,
  leave: `Usage: influxd-ctl leave [-y]

Takes the data and the meta node of this host out of the cluster. They erase what they have stored.

  -y	Do not ask
`,
  'node-labels': `Usage: influxd-ctl node-labels set -nodeid <id> -labels <JSON object>
       influxd-ctl node-labels delete -nodeid <id> -labels <JSON list of names>

Sets labels of a node, leaving its others as they are, or deletes some.
`,
  'remove-data': `Usage: influxd-ctl remove-data [-force] <tcp-addr>

Takes a data node out of the cluster. It erases what it has stored; its shards are not given to other nodes.

  -force	Do not tell the node, as when it is lost
`,
  'remove-meta': `Usage: influxd-ctl remove-meta [-force -tcpAddr <tcp-addr>] [-y] <http-addr>

Takes a meta node out of the cluster. It erases what it has stored.

  -force	Have the others take it out, as when it is lost
  -tcpAddr string
    	Its Raft address, host:8089 (with -force)
  -y	Do not ask
`,
  'copy-shard': `Usage: influxd-ctl copy-shard <src-tcp-addr> <dest-tcp-addr> <shard-id>

Copies a shard from a data node that owns it to another one, which owns it too then. Writes go on meanwhile.
`,
  'copy-shard-status': `Usage: influxd-ctl copy-shard-status

Shows the copies of shards under way: bytes, bytes per second of late, and how long the rest takes at that.
`,
  'kill-copy-shard': `Usage: influxd-ctl kill-copy-shard <src-tcp-addr> <dest-tcp-addr> <shard-id>

Gives up a copy of a shard. Its destination does not own the shard, and deletes what it has of it.
`,
  rebalance: `Usage: influxd-ctl rebalance plan | run | pause | resume | stop | status

Moves shards so that each data node owns about as many bytes, while points are written and read.

  plan	Show the moves, and do nothing
  run	Begin them
  pause	Begin no further moves; those under way go on to their end
  resume	Go on, and try what has failed again
  stop	End the plan and its copies; what was moved stays where it is
  status	Show how far it is
`,
  'replace-data': `Usage: influxd-ctl replace-data [-plan] [-keep] <old-tcp-addr> <new-tcp-addr>

Brings what the old data node owns to the new one, which is added to the cluster when it is not of it, and takes the old one
out of the cluster then. The old one may be up or lost. "rebalance status" shows how far it is.

  -keep	Leave the old node in the cluster
  -plan	Show the moves, and do nothing
`,
  decommission: `Usage: influxd-ctl decommission [-plan] [-keep] <tcp-addr>

Brings what a data node owns to others, and takes it out of the cluster then. "rebalance status" shows how far it is.

  -keep	Leave the node in the cluster
  -plan	Show the moves, and do nothing
`,
  'remove-shard': `Usage: influxd-ctl remove-shard <tcp-addr> <shard-id>

Deletes a shard from a data node, which owns it no more.
`,
  'show-shards': `Usage: influxd-ctl show-shards [-v] [-m] [-e]

Shows the shards in the cluster.

  -v	Show how the copy of each owner is
  -m	Show shards that the cluster and the disks of their owners do not agree on
  -e	Show expired shards too
`,
  'truncate-shards': `Usage: influxd-ctl truncate-shards [-delay <duration>]

Ends the present shard groups, so that new ones are made over the data nodes that there are now.

  -delay duration
    	From now (default 1m0s)
`,
  'update-data': `Usage: influxd-ctl update-data <old-tcp-addr> <new-tcp-addr>

Gives a data node another address; it keeps its id and its shards. The same address attaches a node whose disk was replaced.
`,
  token: `Usage: influxd-ctl -auth-type jwt -secret <secret> [-user <name>] token [-exp 5m]

Prints a signed JWT token.

  -exp duration
    	When it expires (default 1m0s)
`,
};

/** The help of one command. */
export function commandUsage(command: string): string | undefined {
  return Object.hasOwn(commandUsages, command) ? commandUsages[command] : undefined;
}

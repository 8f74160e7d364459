/** The help text (spec 2.1): every command of the reference, whether it is built yet or not. */
export const usage = `Usage: influxd-ctl [options] <command> [options] [<args>]

Available commands are:
   add-data            Add a data node
   add-meta            Add a meta node
   backup              Backup a cluster
   copy-shard          Copy a shard between data nodes
   copy-shard-status   Show all active copy shard tasks
   entropy             Manage entropy in a cluster
   join                Join a meta or data node
   kill-copy-shard     Abort an in-progress shard copy
   ldap                Manage LDAP in a cluster
   leave               Remove a meta or data node
   node-labels         Manage node labels
   remove-data         Remove a data node
   remove-meta         Remove a meta node
   remove-shard        Remove a shard from a data node
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
  -k	Skip certificate verification (ignored without -bind-tls)
  -pwd string
    	Password (ignored without -auth-type basic)
  -secret string
    	JWT shared secret (ignored without -auth-type jwt)
  -user string
    	User name (ignored without -auth-type basic | jwt)
`;

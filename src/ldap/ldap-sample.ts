/** What `influxd-ctl ldap sample-config` prints: the keys of the reference's sample, and what they mean here. */
export const ldapSample = `# Sample TOML for ldap config.
#
# 1. Save it, and edit it for your LDAP server.
# 2. Try it:      influxd-ctl ldap verify -ldap-config <file> <username> <password>
# 3. Make it the cluster's:      influxd-ctl ldap set-config <file>
#
# Meta nodes need [meta] ldap-allowed = true, data nodes [http] auth-enabled = true.

# Once it is enabled all users are those of the servers, admins too.
enabled = true

# Servers are asked in their order: one that fails, or has no such user, hands on to the next.
[[servers]]
  host = "ldap.example.com"
  port = 389

  # starttls (the default), ldaps (port 636), or none. With +insecure behind either of the first two, as in
  # "starttls+insecure", any certificate of the server will do.
  security = "starttls"

  # PEM files on each data node, for servers that ask who connects. The certificate's may hold the key, too.
  # client-tls-certificate = "/etc/influxdb/ldap-client.pem"
  # client-tls-private-key = "/etc/influxdb/ldap-client.key"

  # Who searches for users and groups.
  bind-dn = "cn=read-only-admin,dc=example,dc=com"
  bind-password = "read-only-admin password"

  # Where users are, and the filter that finds one: %s is the username. (sAMAccountName=%s) for Active Directory.
  search-base-dns = [
    "dc=example,dc=com",
  ]
  search-filter = "(uid=%s)"

  # Where groups are, and the filter that finds those of a user: %s is the user's DN.
  # (&(objectClass=group)(member=%s)) for Active Directory.
  group-search-base-dns = ["ou=groups,dc=example,dc=com"]
  group-membership-search-filter = "(&(objectClass=groupOfUniqueNames)(uniqueMember=%s))"

  # By which attribute a group is meant below. "cn" for Active Directory.
  group-attribute = "ou"

  # For warm-cache: the filter that finds a group, %s as it stands below, and the attribute that lists its members.
  group-search-filter = "(&(objectClass=groupOfUniqueNames)(ou=%s))"
  group-member-attribute = "uniqueMember"

  # Members of these are admins.
  admin-groups = ["influx-admins"]

  # Members of a group have a role of the cluster, once somebody has made it.
  [[servers.group-mappings]]
    group = "app-developers"
    role = "app-metrics-rw"

  [[servers.group-mappings]]
    group = "web-support"
    role = "web-traffic-ro"
`;

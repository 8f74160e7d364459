export interface LdapConfigured {
  readonly port: number;
  readonly password: string;
  readonly bases: readonly string[];
  readonly adminGroup: string;
}

/** A table of a configuration of LDAP: a server of this machine, whose group `devs` has the role `rw`. */
export function serverTable({ port, password, bases, adminGroup }: LdapConfigured): string {
  return `[[servers]]
host = "127.0.0.1"
port = ${port}
security = "none"
bind-dn = "cn=reader"
bind-password = "${password}"
search-base-dns = ${JSON.stringify(bases)}
search-filter = "(uid=%s)"
group-search-base-dns = ["ou=groups"]
group-membership-search-filter = "(&(objectClass=groupOfUniqueNames)(uniqueMember=%s))"
group-attribute = "ou"
group-search-filter = "(&(objectClass=groupOfUniqueNames)(ou=%s))"
group-member-attribute = "uniqueMember"
admin-groups = ["${adminGroup}"]
[[servers.group-mappings]]
group = "devs"
role = "rw"
`;
}

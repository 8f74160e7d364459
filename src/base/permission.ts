/** What users of a cluster may be allowed, by the names that the reference's API has for it (spec F94, 3.4), in its order. */
export const permissions = ['ViewAdmin', 'ViewChronograf', 'CreateDatabase', 'CreateUserAndRole', 'AddRemoveNode', 'DropDatabase', 'DropData', 'ReadData', 'WriteData', 'Rebalance', 'ManageShard', 'ManageContinuousQuery', 'ManageQuery', 'ManageSubscription', 'Monitor', 'CopyShard', 'KapacitorAPI', 'KapacitorConfigAPI'] as const; // prettier-ignore

export type Permission = (typeof permissions)[number];

/** Those that no database alone can have. */
export const clusterPermissions: ReadonlySet<Permission> = new Set(['ViewAdmin', 'ViewChronograf', 'CreateUserAndRole', 'AddRemoveNode', 'Rebalance', 'ManageShard', 'Monitor', 'CopyShard', 'KapacitorAPI', 'KapacitorConfigAPI']); // prettier-ignore

/** Whoever has all of these is an admin: the others are of another product. */
export const adminPermissions: readonly Permission[] = permissions.filter((one) => !one.startsWith('Kapacitor')); // prettier-ignore

/** What a cluster measures of itself (`[monitor] store-database` by default): every cluster has its own, and of each node one copy. */
export const internalDatabase = '_internal';

/** The cluster of an earlier release whose disks are kept (record-release.ts): its nodes know each other by these ports. */
export const releasedOffset = 19_500;
export const releasedShape = ['--metas', '1', '--data', '2'] as const;

/** What it was asked, and answered. */
export const releasedQuestions = [
  'SELECT count(v), sum(n), first(s), last(s), min(v), max(v) FROM rest',
  'SELECT * FROM rest',
  'SELECT mean(v) FROM rest WHERE time >= 0 AND time < 3d GROUP BY time(1d), host fill(none)',
  'SHOW SERIES',
  'SHOW FIELD KEYS',
  'SHOW TAG VALUES WITH KEY = host',
  'SHOW DATABASES',
  'SHOW RETENTION POLICIES ON d',
  'SHOW CONTINUOUS QUERIES',
  'SHOW USERS',
  'SHOW GRANTS FOR bob',
] as const;

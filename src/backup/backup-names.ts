/** Names of the files of a backup: all begin with its time in UTC, to the second. */
export interface BackupNames {
  readonly manifest: string;
  readonly meta: string;
  shard(id: number): string;
}

/** `20060102T150405Z`. */
export function backupTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** Of the first second from `timeMs` on of which there is no backup in the place. */
export function freeNames(present: readonly string[], timeMs: number): BackupNames {
  const taken = new Set(present.map((name) => name.split('.')[0]));
  let at = timeMs;
  while (taken.has(backupTime(at))) at += 1_000;
  const prefix = backupTime(at);
  return {
    manifest: `${prefix}.manifest`,
    meta: `${prefix}.meta`,
    shard: (id) => `${prefix}.s${id}.tar.gz`,
  };
}

import {
  decodeManifest,
  encodeManifest,
} from '../../../src/storage/store/shards/shard-manifest.ts';
import type { Disk } from '../../../src/env/disk.ts';
import { laxFile, withoutSync, wrapped } from '../world/lax-disk.ts';

const noHolders = new TextEncoder().encode('{"version":1,"holders":[],"crc32":0}\n');

/** Files that say they are synced and are not. */
export function withoutAnySync(disk: Disk): Disk {
  return withoutSync(disk, () => true);
}

/** Only TSM files are not: the manifest says that the log is needless before they are durable. */
export function withoutTableSync(disk: Disk): Disk {
  return withoutSync(disk, (path) => path.endsWith('.tsm.tmp'));
}

/** Hinted handoff calls durable what is not. */
export function withoutHintSync(disk: Disk): Disk {
  return withoutSync(disk, (path) => path.endsWith('.hint'));
}

/** What a copy has brought stays where it was, whatever became of it. */
export function keepingStagings(disk: Disk): Disk {
  return wrapped(disk, {
    removeTree: (path) => (path.includes('.staging-') ? Promise.resolve() : disk.removeTree(path)),
  });
}

/** Who holds pledges is never on the disk: the next run tells nobody. */
export function withoutPledgeHolders(disk: Disk): Disk {
  return wrapped(disk, {
    replaceFile: async (path, bytes) => {
      if (!path.endsWith('/pledges.json')) await disk.replaceFile(path, bytes);
      else if ((await disk.size(path)) === undefined) await disk.replaceFile(path, noHolders);
    },
  });
}

/** A node that starts does not think of who holds pledges of the run before. */
export function forgettingPledgeHolders(disk: Disk): Disk {
  return wrapped(disk, {
    readFile: async (path) => {
      const bytes = await disk.readFile(path);
      return path.endsWith('/pledges.json') ? noHolders : bytes;
    },
  });
}

/** Of a node that erases what it has the disk says to the end that it is of its cluster. */
export function forgettingThatItLeaves(disk: Disk): Disk {
  return wrapped(disk, {
    replaceFile: async (path, bytes) => {
      if (!path.endsWith('/identity') || (await disk.size(path)) === undefined)
        await disk.replaceFile(path, bytes);
    },
  });
}

/** Archives of a backup are named, and its manifest, before their bytes are durable. */
export function withoutArchiveSync(disk: Disk): Disk {
  return withoutSync(disk, (path) => path.includes('.tar.gz'));
}

/** A node that starts does not see the queues that it has. */
export function forgettingHints(disk: Disk): Disk {
  return wrapped(disk, {
    list: (path) => (path === 'hh' ? Promise.resolve([]) : disk.list(path)),
  });
}

/** A node takes each run before for one that was told to stop. */
export function endingWell(disk: Disk): Disk {
  return wrapped(disk, {
    size: (path) => (path.endsWith('/ended') ? Promise.resolve(0) : disk.size(path)),
  });
}

/** A segment of the log goes when the next one is begun, flushed or not. */
export function droppingLogsEarly(disk: Disk): Disk {
  let last = '';
  return wrapped(disk, {
    open: async (path, mode) => {
      if (mode === 'create' && path.endsWith('.wal')) {
        if (last !== '') await disk.remove(last);
        last = path;
      }
      return disk.open(path, mode);
    },
  });
}

/** The manifest counts a batch as flushed that was still on its way into the memtable. */
export function markingTooMuch(disk: Disk): Disk {
  return wrapped(disk, {
    replaceFile: (path, bytes) => {
      if (!path.endsWith('/shard.json')) return disk.replaceFile(path, bytes);
      const { flushedSequence, ...manifest } = decodeManifest(path, bytes);
      return disk.replaceFile(path, encodeManifest({ ...manifest, flushedSequence: flushedSequence + 1 })); // prettier-ignore
    },
  });
}

/** The manifest has files whose series are in no segment that it lists. */
export function forgettingSegments(disk: Disk): Disk {
  return wrapped(disk, {
    replaceFile: (path, bytes) => {
      if (!path.endsWith('/shard.json')) return disk.replaceFile(path, bytes);
      const { segments, ...manifest } = decodeManifest(path, bytes);
      const kept = [...(segments ?? [])].slice(0, 1);
      return disk.replaceFile(path, encodeManifest({ ...manifest, segments: new Map(kept) }));
    },
  });
}

/** Records that the disk failed to take are not told from those that were taken. */
export function forgettingFailures(disk: Disk): Disk {
  return wrapped(disk, {
    replaceFile: (path, bytes) => {
      if (!path.endsWith('/shard.json')) return disk.replaceFile(path, bytes);
      const { logMarks, ...manifest } = decodeManifest(path, bytes);
      return disk.replaceFile(path, encodeManifest({ ...manifest, logMarks: logMarks && { ...logMarks, failed: [] } })); // prettier-ignore
    },
  });
}

/** Shards that the log has lost records of are not marked. */
export function withoutMarks(disk: Disk): Disk {
  return wrapped(disk, {
    replaceFile: (path, bytes) =>
      path.endsWith('/damaged.json') ? Promise.resolve() : disk.replaceFile(path, bytes),
  });
}

/** Nobody keeps which shards were made. */
export function withoutRoster(disk: Disk): Disk {
  return wrapped(disk, {
    open: async (path, mode) => {
      const file = await disk.open(path, mode);
      if (!/shards-\d+\.log$/.test(path)) return file;
      return { ...laxFile(file), append: () => Promise.resolve() };
    },
  });
}

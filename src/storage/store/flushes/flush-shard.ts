/**
 * Writes what a shard has in memory to a file, its series to its index, and says so in `shard.json`.
 *
 * Invariants:
 * - shard.json counts records of the log as flushed only once the file with their points is durable;
 * - what failed is tried again by the next flush, which then takes nothing else, under another name: its file is taken back;
 * - a file that is whole is the shard's, whatever fails behind it: the next flush lists it, and there is one though nothing is in
 *   memory (isIndexBehind). Until then its records stay in the log, and a start takes it as it is.
 *
 * Not here: when to flush, what follows for the log (store.ts).
 */
import type { FlushPorts } from '../../engine/flush/flush.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import { tsmName } from '../../tsm/tsm-format.ts';
import { marksOf, withFlush } from '../log/log-marks.ts';
import { withStruckFiles } from '../deletes/mark-delete.ts';
import type { OpenShard } from '../shards/open-shards.ts';
import { outdatedSeals, unlistedOf, type ShardManifest } from '../shards/shard-manifest.ts';

/** Whether records of the log are not needed any more. Throws what the disk says; all is as before then. */
export async function flushShard(
  open: OpenShard,
  { folder, beginsTable }: { readonly folder: string; readonly beginsTable: boolean },
  { disk, clock, turn, cache, blocks }: Omit<FlushPorts, 'kernel'>,
): Promise<boolean> {
  const { shard, striking } = open;
  // What was set aside by a flush that failed goes first, and alone: its sequence is not known to be the latest where more has come.
  const isLatest = shard.setAside({ beginsTable }) || shard.activeBytes === 0;
  const flushedSequence = isLatest ? open.appliedSequence : open.flushedSequence;
  const { isAlone, settledStamp: latest } = shard;
  const name = tsmName({ generation: ++open.generation, sequence: 1 });
  const table = shard.asideTable;
  const file = await shard
    .flush(`${folder}/${name}`, { disk, clock, turn, cache, blocks })
    .catch(async (error: unknown) => {
      await open.manifest.takeBack([name]);
      throw error;
    });
  const isSame = file === undefined && flushedSequence === open.flushedSequence;
  open.isIndexBehind ||= !isSame;
  // What is to stay of them, and is hidden there by the delete, is in the log before they are listed.
  await striking?.bringAgain(shard.files);
  const change = (manifest: ShardManifest): ShardManifest =>
    withStruckFiles(
      {
        ...manifest,
        flushedSequence,
        files: filesOf(manifest, shard.files),
        // Of what nobody else has, nothing comes late: a start remembers none of it.
        logMarks: isAlone ? undefined : withFlush(marksOf(manifest), [flushedSequence, latest], open.failed), // prettier-ignore
      },
      striking,
    );
  await open.segments.commit(table, open.isIndexBehind ? change : undefined);
  open.isIndexBehind = false;
  if (flushedSequence === open.flushedSequence) return false;
  open.flushedSequence = flushedSequence;
  return true;
}

function filesOf(manifest: ShardManifest, held: readonly TsmFile[]): ShardManifest['files'] {
  const changed = [...unlistedOf(manifest, held), ...outdatedSeals(manifest, held)];
  return new Map([...manifest.files, ...changed]);
}

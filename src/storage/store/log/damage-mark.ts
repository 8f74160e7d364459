/**
 * `damaged.json` in a shard's folder: the log has lost records of the shard. It is there before the log's bytes are touched,
 * and stays over restarts until the shard is deleted, or someone removes it and so accepts the loss.
 */
import { isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';

export const markName = 'damaged.json';

/** Undefined without a mark. One that cannot be read is one all the same. Throws `unavailable`: a moment later it may be read. */
export async function readMark(disk: Disk, folder: string): Promise<string | undefined> {
  try {
    const text = new TextDecoder().decode(await disk.readFile(`${folder}/${markName}`));
    return (JSON.parse(text) as { readonly reason: string }).reason;
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    if (isDbError(error, 'unavailable')) throw error;
    return 'the shard was marked as damaged';
  }
}

/** Durable once it resolves. An earlier mark stays as it is. */
export async function writeMark(disk: Disk, folder: string, reason: string): Promise<void> {
  if ((await disk.size(`${folder}/${markName}`)) !== undefined) return;
  const text = `${JSON.stringify({ version: 1, reason })}\n`;
  await disk.replaceFile(`${folder}/${markName}`, new TextEncoder().encode(text));
}

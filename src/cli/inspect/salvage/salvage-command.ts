import { DbError } from '../../../base/errors.ts';
import { lockDataOf } from '../folders/lock-data.ts';
import type { InspectCommand, InspectPorts } from '../inspect-ports.ts';
import { salvageShard } from './salvage-shard.ts';

/** Ours: the reference has no word for it. */
export const salvageCommand: InspectCommand = {
  name: 'salvage',
  flags: { 'accept-loss': 'switch' },
  usage: () => `Says what of a damaged shard can be read, and makes that the shard.

Usage: influx_inspect salvage [flags] shard...

    shard
            The folder of a shard: <data>/<database>/<policy>/<id>. Its node must not run.
    -accept-loss
            What can be read becomes the shard, damaged files stay beside it as *.lost.
            Otherwise nothing is changed.`,
  run: async (ports, given) => {
    if (given.rest.length === 0)
      throw new DbError('invalid_argument', 'the folder of a shard is required');
    const isAccepted = given.has('accept-loss');
    let isRefused = false;
    for (const path of given.rest) {
      const isDamaged = await salvageOne(ports, path, isAccepted);
      isRefused ||= isDamaged && !isAccepted;
    }
    if (isRefused)
      throw new DbError('corrupt', 'nothing was changed; -accept-loss makes what can be read the shard'); // prettier-ignore
  },
};

/** Answers whether it was damaged. */
async function salvageOne(
  ports: InspectPorts,
  path: string,
  isAccepted: boolean,
): Promise<boolean> {
  // prettier-ignore
  const { disk, out } = ports;
  const folder = path.replace(/(?<=.)\/+$/, '');
  const lock = await lockDataOf(ports, folder);
  try {
    const lost = (text: string): Promise<void> => out(`${text}\n`);
    const { isDamaged, ...counts } = await salvageShard(disk, folder, { isAccepted, lost });
    const { fileCount, keptCount, lostCount, unknownCount } = counts;
    await out(`${folder}: ${fileCount} files, ${keptCount} blocks can be read, ${lostCount} cannot, ${unknownCount} files have lost what nobody knows\n`); // prettier-ignore
    return isDamaged;
  } finally {
    await lock?.release();
  }
}

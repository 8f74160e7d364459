/**
 * A data node whose clock is ahead runs continuous queries over windows that are still open, and once it is put right nobody computes them
 * again, as they are marked. So the meta node that leads takes marks by its own clock (decision 130).
 */
import { DbError } from '../../base/errors.ts';
import { minuteNs } from '../../base/units.ts';
import type { Command } from '../command/command.ts';

/** Clocks of nodes that are well kept differ by less. */
const clockSkewNs = minuteNs;

/** Throws `conflict` for windows that are not over yet. */
export function refuseMarksAhead(command: Command, { nowNs }: { readonly nowNs: bigint }): void {
  if (command.kind !== 'mark-continuous-queries') return;
  const isAhead = command.marks.some(({ ranUntilNs }) => ranUntilNs > nowNs + clockSkewNs);
  if (isAhead)
    throw new DbError('conflict', "by the clock of the meta node that leads they are not over: this node's clock is ahead"); // prettier-ignore
}

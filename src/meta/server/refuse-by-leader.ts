import type { Entry } from '../../raft/types.ts';
import type { Command } from '../command/command.ts';
import type { Catalog } from '../model/catalog.ts';
import { refuseCopyEnd } from './refuse-copy-end.ts';
import { refuseMarksAhead } from './refuse-marks-ahead.ts';
import { refuseStillKept } from './still-kept.ts';

export interface Leader {
  readonly nowNs: bigint;
  /** The log behind the catalog. */
  readonly unapplied: () => readonly Entry[];
}

/** Throws for a command that the leader keeps out of the log, though whoever applies it would do it: metas of all releases have to come to the same. */
export function refuseByLeader(catalog: Catalog, command: Command, leader: Leader): void {
  refuseStillKept(catalog, command, leader);
  refuseMarksAhead(command, leader);
  refuseCopyEnd(catalog, command, leader.unapplied);
}

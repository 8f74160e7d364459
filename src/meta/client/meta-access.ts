import type { Catalog, CommandValue } from '../model/catalog.ts';
import type { Command } from '../model/command.ts';

/** The cluster's facts as a data node sees them: a cached copy to read, and the metas to change them through. */
export interface MetaAccess {
  /** Never waits; may be older than the metas' by what the watch takes. */
  readonly catalog: Catalog;
  /** Of this data node; 0 before it was added to a cluster. */
  readonly nodeId: number;
  /**
   * Resolves once the command is committed and this node's catalog has it. Throws the command's own error, or
   * `unavailable` with the text `meta service unavailable` when no meta node leads.
   */
  execute(command: Command): Promise<CommandValue | undefined>;
}

/** A command on its way into the log: what may not get there, since all that read it would stop, or pass it over. */
import { DbError, isDbError } from '../../base/errors.ts';
import { encodeLogged } from '../codec/command-codec.ts';
import type { Command, LoggedCommand } from '../command/command.ts';
import { checkCommand, isLogged } from '../command/command-shape.ts';
import type { CommandAnswer } from '../model/catalog.ts';
import type { RaftDriver } from './raft-driver.ts';
import { entryDataBytesMax } from './raft-fields.ts';

export type Proposal =
  | { readonly kind: 'entry'; readonly data: Uint8Array }
  | { readonly kind: 'refused'; readonly answer: CommandAnswer };

export interface ProposalOptions {
  readonly makesBareDatabases?: boolean | undefined;
  /** Throws for what this leader does not agree to. */
  readonly refuse?: (command: Command) => void;
}

export function proposalOf(
  logged: LoggedCommand,
  driver: Pick<RaftDriver, 'checkKnown' | 'commandForm'>,
  { makesBareDatabases = false, refuse }: ProposalOptions = {},
): Proposal {
  try {
    if (!isLogged(logged)) throw new DbError('invalid_argument', 'malformed catalog command');
    const command = makesBareDatabases ? withoutPolicy(logged.command) : logged.command;
    checkCommand(command);
    driver.checkKnown(command.kind);
    refuse?.(command);
    const data = encodeLogged({ ...logged, command }, driver.commandForm);
    // Followers would refuse the entry, and with it all that come after.
    if (data.length > entryDataBytesMax)
      throw new DbError('too_large', `catalog command ${command.kind}: ${data.length} bytes, and ${entryDataBytesMax} is the limit`); // prettier-ignore
    return { kind: 'entry', data };
  } catch (error) {
    if (!isDbError(error)) throw error;
    return { kind: 'refused', answer: { ok: false, code: error.code, text: error.message } };
  }
}

/** `retention-autocreate` is off: what names no policy gets none. */
function withoutPolicy(command: Command): Command {
  const isWithout = command.kind === 'create-database' && command.policy === undefined;
  return isWithout ? { kind: 'create-bare-database', name: command.name } : command;
}

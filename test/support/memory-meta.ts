import { DbError, type DbErrorCode } from '../../src/base/errors.ts';
import type { MetaAccess } from '../../src/meta/client/meta-access.ts';
import { applyCommand } from '../../src/meta/apply/apply.ts';
import { emptyCatalog, type CommandValue } from '../../src/meta/model/catalog.ts';
import type { Command } from '../../src/meta/command/command.ts';

/** A catalog in memory with this node alone in it. */
export class MemoryMeta implements MetaAccess {
  catalog = emptyCatalog;
  #index = 0;

  get nodeId(): number {
    return 1;
  }

  async execute(command: Command): Promise<CommandValue | undefined> {
    const id = `${++this.#index}`;
    const { catalog, answer } = applyCommand(this.catalog, this.#index, { id, command });
    if (!answer.ok) throw new DbError(answer.code as DbErrorCode, answer.text);
    this.catalog = catalog;
    return Promise.resolve(answer.value);
  }
}

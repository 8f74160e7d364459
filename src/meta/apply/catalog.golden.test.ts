import { expect, test } from 'vitest';
import { runScript } from '../../../test/support/datadriven.ts';
import { must } from '../../base/assert.ts';
import type { Statement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { applyCommand } from './apply.ts';
import { emptyCatalog, findDatabase, type Catalog } from '../model/catalog.ts';
import type { Command } from '../command/command.ts';

/** Statements of a client against the catalog, one log entry each. */
class CatalogScript {
  #catalog: Catalog = emptyCatalog;
  #index = 0;

  run(text: string): string {
    const statement = must(parseQuery(text)[0], 'a statement');
    if (statement.kind === 'show-databases')
      return this.#catalog.databases.map(({ name }) => name).join(' ');
    if (statement.kind === 'show-retention-policies') return this.#show(statement.database);
    const logged = { id: String(this.#index), command: commandOf(statement) };
    const { catalog, answer } = applyCommand(this.#catalog, ++this.#index, logged);
    this.#catalog = catalog;
    return answer.ok ? '' : `error: ${answer.text}`;
  }

  #show(name: string): string {
    const database = findDatabase(this.#catalog, name);
    if (database === undefined) return `error: database not found: ${name}`;
    return database.retentionPolicies
      .map((policy) => {
        const durations = [policy.durationNs, policy.shardGroupDurationNs].map(goDuration);
        const isDefault = policy.name === database.defaultRetentionPolicy;
        return [policy.name, ...durations, policy.replicaCount, isDefault].join(' ');
      })
      .join('\n');
  }
}

function commandOf(statement: Statement): Command {
  switch (statement.kind) {
    case 'create-database':
    case 'drop-database':
    case 'drop-retention-policy':
    case 'alter-retention-policy':
      return statement;
    case 'create-retention-policy': {
      const { kind, database, name, isDefault } = statement;
      return { kind, database, policy: { ...statement.policy, name }, isDefault };
    }
    default:
      throw new Error(`no command for ${statement.kind}`);
  }
}

/** As Go prints it: 168h0m0s, 1427545h16m18.871345152s; 0s for none. */
function goDuration(durationNs: bigint): string {
  if (durationNs === 0n) return '0s';
  const secondsNs = durationNs % 60_000_000_000n;
  const fraction = String(secondsNs % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const minutes = durationNs / 60_000_000_000n;
  const seconds = `${secondsNs / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
  return `${minutes / 60n}h${minutes % 60n}m${seconds}s`;
}

test.each([
  ['retention-policies', 139],
  ['databases', 16],
])('catalog: %s as a real server answers, odd cases too', (name, assertionCount) => {
  const script = new CatalogScript();
  const path = new URL(`testdata/${name}.txt`, import.meta.url).pathname;
  runScript(path, ({ text }) => script.run(text));
  expect.assertions(assertionCount);
});

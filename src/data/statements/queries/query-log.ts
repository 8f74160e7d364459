import { shownAddress } from '../../../base/shown-address.ts';
import type { Log } from '../../../env/log.ts';
import type { Statement } from '../../../influxql/ast.ts';
import { printStatement } from '../../../influxql/printer.ts';
import type { MetaAccess } from '../../../meta/client/meta-access.ts';
import { qualifyNames } from '../../select/qualify-names.ts';
import { qualifyContinuousQuery, type RequestPlace } from '../catalog-statements.ts';

export interface QueryLogPorts {
  readonly log: Pick<Log, 'info'>;
  readonly meta: MetaAccess;
}

/** Of one place of one request: texts that are asked for again and again are printed once. */
interface Printed {
  readonly place: string;
  readonly catalogIndex: number;
  readonly text: string | undefined;
}

/** Tells of each statement before it runs (`query-log-enabled`, spec F63), as it prints with its names: without passwords. */
export class QueryLog {
  readonly #ports: QueryLogPorts;
  readonly #printed = new WeakMap<Statement, Printed>();
  /** A request may be tried in several ways. */
  readonly #countOf = new WeakMap<AbortSignal, number>();

  constructor(ports: QueryLogPorts) {
    this.#ports = ports;
  }

  /** `signal` is the request's, which it has alone. Says nothing of a statement that names what is not there. */
  note(
    statement: Statement,
    statementId: number,
    request: RequestPlace & { readonly signal: AbortSignal },
  ): void {
    const { signal } = request;
    if (statementId < (this.#countOf.get(signal) ?? 0)) return;
    this.#countOf.set(signal, statementId + 1);
    const query = this.#textOf(statement, request);
    if (query !== undefined) this.#ports.log.info('Executing query', { query });
  }

  #textOf(statement: Statement, request: RequestPlace): string | undefined {
    const { catalog } = this.#ports.meta;
    const place = `${request.database}\n${request.retentionPolicy}`;
    const known = this.#printed.get(statement);
    if (known?.place === place && known.catalogIndex === catalog.index) return known.text;
    const text = this.#print(statement, request);
    this.#printed.set(statement, { place, catalogIndex: catalog.index, text });
    return text;
  }

  #print(statement: Statement, request: RequestPlace): string | undefined {
    try {
      return printStatement(withNames(withoutSecrets(statement), request, this.#ports.meta));
    } catch {
      // What is wrong with it is the statement's own answer.
      return undefined;
    }
  }
}

/** Other passwords print as hidden by themselves. */
function withoutSecrets(statement: Statement): Statement {
  if (statement.kind !== 'create-subscription') return statement;
  return { ...statement, destinations: statement.destinations.map(shownAddress) };
}

/** With the names of a SELECT, or of one that is kept, written out. */
export function withNames(
  statement: Statement,
  request: RequestPlace,
  meta: MetaAccess,
): Statement {
  if (statement.kind === 'select') return qualifyNames(statement, request, meta);
  if (statement.kind !== 'create-continuous-query') return statement;
  return qualifyContinuousQuery(statement, meta.catalog, request);
}

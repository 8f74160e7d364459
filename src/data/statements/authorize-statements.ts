import { DbError } from '../../base/errors.ts';
import type { Statement } from '../../influxql/ast.ts';
import { printStatement } from '../../influxql/printer.ts';
import {
  requiredPrivileges,
  sufficientPermission,
  type RequiredPrivilege,
} from '../../influxql/privileges.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import { everyone, type Principal } from './principal.ts';
import { statementRules } from './statement-rules.ts';

/**
 * Whether somebody may run all statements of a request (spec 4.0), before the first has run. Without any user only the
 * first admin may be made; what stands behind that statement runs too. Throws `forbidden` with the reference's texts.
 */
export function authorizeStatements(
  statements: readonly Statement[],
  principal: Principal,
  { catalog, database }: { readonly catalog: Catalog; readonly database: string },
): void {
  if (principal === everyone) return;
  if ((catalog.users ?? []).length === 0) {
    const [first] = statements;
    if (first?.kind === 'create-user' && first.isAdmin) return;
    throw forbidden('create admin user first or disable authentication');
  }
  if (!principal.isKnown) throw forbidden('no user provided');
  if (principal.isAdmin) return;
  for (const statement of statements) {
    const unnamed = unnamedOf(statement, database);
    const missing = requiredPrivileges(statement).find(
      (one) => one.kind === 'admin' || !principal.may(one.kind, one.database || unnamed),
    );
    if (missing === undefined || isPermitted(statement, principal, database)) {
      refuseWayAround(statement, principal, database);
      continue;
    }
    const text = `statement '${printStatement(statement)}', ${requirementText(missing, unnamed)}`;
    throw forbidden(`${principal.name} not authorized to execute ${text}`);
  }
}

/**
 * What goes on by itself reads and writes as nobody: whoever may not read or write all of it may not set it going. A policy takes
 * all series of it along, also those that may not be written; whoever may drop the database may drop it.
 */
function refuseWayAround(statement: Statement, principal: Principal, database: string): void {
  switch (statement.kind) {
    case 'create-continuous-query':
    case 'create-subscription':
      if (statementRules(statement, { principal, database }) === undefined) return;
      break;
    case 'drop-retention-policy':
      if (principal.rules('write', statement.database) === undefined) return;
      if (isPermitted(statement, principal, database)) return;
      break;
    default:
      return;
  }
  const text = `statement '${printStatement(statement)}', reads or writes of its databases are restricted`;
  throw forbidden(`${principal.name} not authorized to execute ${text}`);
}

/** What a statement means where it names no database: a continuous query its own, unless the request names one. */
function unnamedOf(statement: Statement, database: string): string {
  if (database !== '' || statement.kind !== 'create-continuous-query') return database;
  return statement.database;
}

function isPermitted(statement: Statement, { holds }: Principal, database: string): boolean {
  const sufficient = sufficientPermission(statement);
  if (sufficient === undefined) return false;
  const { permission, database: named } = sufficient;
  return holds(permission, named === undefined ? '' : named || database);
}

function requirementText(missing: RequiredPrivilege, database: string): string {
  if (missing.kind === 'admin') return 'requires admin privilege';
  return `requires ${missing.kind.toUpperCase()} on ${missing.database || database}`;
}

function forbidden(text: string): DbError {
  return new DbError('forbidden', `error authorizing query: ${text}`);
}

import type { Statement } from './ast.ts';
import {
  parseAlter,
  parseCreate,
  parseDelete,
  parseDrop,
  parseExecute,
  parseGrant,
  parseKill,
  parseSetPassword,
} from './parse-schema.ts';
import { parseSelect } from './parse-select.ts';
import { parseShow } from './parse-show.ts';
import { TokenReader, type BoundValue } from './token-reader.ts';

/**
 * Parses statements separated by `;` (spec 6.1, 6.2). Throws DbError parse_error with the reference's text; empty
 * statements are passed over. `$name` takes its value from `params`.
 */
export function parseQuery(
  text: string,
  params: ReadonlyMap<string, BoundValue> = new Map(),
): readonly Statement[] {
  const reader = new TokenReader(text, params);
  const statements: Statement[] = [];
  let mayFollow = true;
  for (;;) {
    if (reader.accept(';')) {
      mayFollow = true;
      continue;
    }
    if (reader.peek().kind === 'EOF') return statements;
    if (!mayFollow) throw reader.unexpected(';');
    statements.push(parseStatement(reader));
    mayFollow = false;
  }
}

function parseStatement(reader: TokenReader): Statement {
  const token = reader.next();
  switch (token.kind) {
    case 'SELECT':
      return parseSelect(reader);
    case 'DELETE':
      return parseDelete(reader);
    case 'SHOW':
      return parseShow(reader);
    case 'CREATE':
      return parseCreate(reader);
    case 'DROP':
      return parseDrop(reader);
    case 'EXPLAIN': {
      const analyze = reader.accept('ANALYZE');
      const verbose = reader.accept('VERBOSE');
      reader.expect('SELECT');
      return { kind: 'explain', analyze, verbose, statement: parseSelect(reader) };
    }
    case 'GRANT':
    case 'REVOKE':
      return parseGrant(reader, token.kind === 'GRANT' ? 'grant' : 'revoke');
    case 'ALTER':
      return parseAlter(reader);
    case 'SET':
      return parseSetPassword(reader);
    case 'KILL':
      return parseKill(reader);
    default:
      // Ours, and no keyword, so that names of that kind need no quotes.
      if (
        token.kind === 'IDENT' &&
        token.text.toUpperCase() === 'EXECUTE' &&
        reader.accept('CONTINUOUS')
      )
        // prettier-ignore
        return parseExecute(reader);
      throw reader.unexpectedToken(
        token,
        'SELECT',
        'DELETE',
        'SHOW',
        'CREATE',
        'DROP',
        'EXPLAIN',
        'GRANT',
        'REVOKE',
        'ALTER',
        'SET',
        'KILL',
      );
  }
}

import { Buffer } from 'node:buffer';
import { parseWellFormed } from '../../base/well-formed-json.ts';
import { DbError } from '../../base/errors.ts';
import { jsonFaultOf } from '../../base/go-json.ts';

type Kind = 'string' | 'number' | 'array';

/** The members of a body that are looked at: what kind each is, and what Go calls its place. */
export type BodyShape = Readonly<Record<string, MemberShape>>;

interface MemberShape {
  readonly kind: Kind;
  readonly place: string;
  /** Go's type, where the kind does not say it. */
  readonly type?: string;
  /** Go's type of the elements of an array, which are objects; null is one without members. */
  readonly elements?: string;
}

/** A JSON object as the reference reads one. Throws `invalid_argument` with Go's words. */
export function readJsonBody(
  body: unknown,
  { shape, type }: { readonly shape: BodyShape; readonly type: string },
): Readonly<Record<string, unknown>> {
  const text = Buffer.isBuffer(body) ? body.toString('utf8') : '';
  let value: unknown;
  try {
    value = parseWellFormed(text);
  } catch (error) {
    throw invalid(jsonFaultOf(text)?.text ?? 'invalid character', error);
  }
  if (value === null) return {};
  if (kindOf(value) !== 'object')
    throw invalid(`json: cannot unmarshal ${kindOf(value)} into Go value of type ${type}`);
  return readMembers(value as Readonly<Record<string, unknown>>, shape);
}

/**
 * Those that are in the shape, by its names: they may come in any case, and null is as good as absent. Throws for the first that
 * is of another kind than the shape says.
 */
export function readMembers(
  all: Readonly<Record<string, unknown>>,
  shape: BodyShape,
): Readonly<Record<string, unknown>> {
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  const members: Record<string, unknown> = {};
  for (const [said, member] of Object.entries(all)) {
    const name = names.get(said.toLowerCase());
    if (name !== undefined && member !== null) members[name] = member;
  }
  for (const [name, { kind, place, type, elements }] of Object.entries(shape)) {
    const member = members[name];
    if (member === undefined) continue;
    if (elements !== undefined) checkElements(member, place, elements);
    const wanted = type ?? (kind === 'number' ? 'int64' : kind);
    const isWhole = kind !== 'number' || Number.isSafeInteger(member);
    if (kindOf(member) === kind && isWhole) continue;
    const found = kindOf(member) === 'number' && kind === 'number' ? `number ${JSON.stringify(member)}` : kindOf(member); // prettier-ignore
    throw invalid(`json: cannot unmarshal ${found} into Go struct field ${place} of type ${wanted}`); // prettier-ignore
  }
  return members;
}

function checkElements(list: unknown, place: string, type: string): void {
  if (!Array.isArray(list)) return;
  for (const one of list as readonly unknown[])
    if (one !== null && kindOf(one) !== 'object')
      throw invalid(`json: cannot unmarshal ${kindOf(one)} into Go struct field ${place} of type ${type}`); // prettier-ignore
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function invalid(text: string, cause?: unknown): DbError {
  return new DbError('invalid_argument', text, { cause });
}

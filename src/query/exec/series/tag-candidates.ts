import { notesOn } from '../../../base/notes.ts';
import type { Operand, Predicate } from '../../predicate.ts';

/** Only series with one of these values of the tag can have rows that pass. */
export interface TagCandidates {
  readonly key: string;
  readonly values: ReadonlySet<string>;
}

const known = notesOn<Predicate, TagCandidates | 'none'>();

/** What a predicate says of one tag by equality; undefined when that rules no series out. Predicates stay with their plans. */
export function tagCandidates(predicate: Predicate | undefined): TagCandidates | undefined {
  if (predicate === undefined) return undefined;
  let found = known.of(predicate);
  if (found === undefined) known.keep(predicate, (found = lookedFor(predicate) ?? 'none'));
  return found === 'none' ? undefined : found;
}

function lookedFor(predicate: Predicate): TagCandidates | undefined {
  switch (predicate.kind) {
    case 'and': {
      const left = tagCandidates(predicate.left);
      const right = tagCandidates(predicate.right);
      if (left === undefined || right === undefined) return left ?? right;
      return right.values.size < left.values.size ? right : left;
    }
    case 'or': {
      const left = tagCandidates(predicate.left);
      const right = tagCandidates(predicate.right);
      if (left === undefined || left.key !== right?.key) return undefined;
      return { key: left.key, values: new Set([...left.values, ...right.values]) };
    }
    case 'compare': {
      if (predicate.operator !== '=') return undefined;
      return equality(predicate.left, predicate.right) ?? equality(predicate.right, predicate.left);
    }
    default:
      return undefined;
  }
}

/** A series without the tag equals '', and no list of series has those. */
function equality(tag: Operand, constant: Operand): TagCandidates | undefined {
  if (tag.kind !== 'tag' || constant.kind !== 'constant') return undefined;
  const { value } = constant;
  if (typeof value !== 'string' || value === '') return undefined;
  return { key: tag.name, values: new Set([value]) };
}

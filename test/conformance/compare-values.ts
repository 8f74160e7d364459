import { canonicalText, Digits, isObject, type Json } from './exact-json.ts';

/** Decides whether two cells are equal: integers exactly, floats relatively. */
export interface Tolerance {
  readonly relative: number;
}

/** Where two values differ first, or undefined. */
export function valueDifference(
  ours: Json,
  theirs: Json,
  tolerance: Tolerance,
): string | undefined {
  if (ours instanceof Digits && theirs instanceof Digits)
    return numbersEqual(ours.text, theirs.text, tolerance) ? undefined : not(ours, theirs);
  if (typeof ours === 'string' && typeof theirs === 'string')
    return textsEqual(ours, theirs) ? undefined : not(ours, theirs);
  if (Array.isArray(ours) && Array.isArray(theirs))
    return listDifference(ours as readonly Json[], theirs as readonly Json[], tolerance);
  if (isObject(ours) && isObject(theirs)) {
    const [ourKeys, theirKeys] = [Object.keys(ours).sort(), Object.keys(theirs).sort()];
    if (ourKeys.join() !== theirKeys.join())
      return `keys ${ourKeys.join()} not ${theirKeys.join()}`;
    for (const key of ourKeys) {
      const difference = valueDifference(ours[key]!, theirs[key]!, tolerance);
      if (difference !== undefined) return `.${key}${difference}`;
    }
    return undefined;
  }
  return ours === theirs ? undefined : not(ours, theirs);
}

export function numbersEqual(ours: string, theirs: string, { relative }: Tolerance): boolean {
  if (ours === theirs) return true;
  if (/^-?\d+$/.test(ours) && /^-?\d+$/.test(theirs) && !isPastIntegers(ours, theirs)) return false;
  const [a, b] = [Number(ours), Number(theirs)];
  if (Number.isNaN(a) || Number.isNaN(b)) return false;
  return a === b || Math.abs(a - b) <= relative * Math.max(Math.abs(a), Math.abs(b));
}

/** Beyond 64 bits digits alone mean a float. */
function isPastIntegers(ours: string, theirs: string): boolean {
  const isPast = (text: string): boolean => Math.abs(Number(text)) > 2 ** 64;
  return isPast(ours) && isPast(theirs);
}

/** A shard's number is the server's own affair. */
function textsEqual(ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  const masked = (text: string): string => text.replaceAll(/\bshard \d+/g, 'shard N');
  return masked(ours) === masked(theirs);
}

function listDifference(
  ours: readonly Json[],
  theirs: readonly Json[],
  tolerance: Tolerance,
): string | undefined {
  if (ours.length !== theirs.length) return ` ${ours.length} elements not ${theirs.length}`;
  for (const [i, value] of ours.entries()) {
    const difference = valueDifference(value, theirs[i]!, tolerance);
    if (difference !== undefined) return `[${i}]${difference}`;
  }
  return undefined;
}

function not(ours: Json, theirs: Json): string {
  return `: ${canonicalText(ours)} not ${canonicalText(theirs)}`;
}

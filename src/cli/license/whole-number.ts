export const dayMs = 24 * 3_600_000;

/** Of an option's text; throws with the option's name. */
export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number above 0, not ${text}`);
}

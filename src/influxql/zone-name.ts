/**
 * The IANA name of a zone as statements write it: '' is UTC, and case counts, as in the reference, whose zones are files. The
 * runtime takes names in any case and offsets as well, which are none. Undefined for what is no zone.
 */
export function zoneName(text: string): string | undefined {
  if (text === '') return 'UTC';
  if (!/^[A-Z]/.test(text)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions();
    // Of an older name the runtime says only which one took its place.
    const isOwnName = timeZone.toLowerCase() === text.toLowerCase();
    return isOwnName && timeZone !== text ? undefined : text;
  } catch {
    return undefined;
  }
}

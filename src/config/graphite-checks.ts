/** What `[[graphite]]` may say, and the reference's texts where it does not; asked of sections that are not enabled too. */
import type { KeyCheck } from './key-checks.ts';

export const graphiteTemplates: KeyCheck = (value) => {
  const filters = new Set<string>();
  for (const [position, text] of textsOf(value).entries()) {
    const reason = wrongTemplate(text, position, filters);
    if (reason !== undefined) return `invalid graphite config: ${reason}`;
  }
  return undefined;
};

export const graphiteTags: KeyCheck = (value) => {
  const reason = wrongTag(textsOf(value));
  return reason && `invalid graphite config: ${reason}`;
};

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** `filter template tags`, of which the first and the last may be left out. */
function wrongTemplate(text: string, position: number, filters: Set<string>): string | undefined {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return `missing template at position: ${position}`;
  if (words.length > 3) return `invalid template format: '${text}'`;
  const [first = '', second, third] = words;
  const hasTagsSecond = second?.includes('=') === true;
  const hasFilter = second !== undefined && !hasTagsSecond;
  const template = hasFilter ? second : first;
  if (!template.split('.').some((part) => part === 'measurement' || part === 'measurement*'))
    return `no measurement in template \`${template}\``;
  const filter = hasFilter ? first : '';
  if (filters.has(filter)) return `duplicate filter '${filter}' found at position: ${position}`;
  filters.add(filter);
  const tags = third ?? (hasTagsSecond ? second : undefined);
  return (hasFilter ? wrongFilter(filter) : undefined) ?? wrongTag(tags?.split(',') ?? []);
}

function wrongFilter(filter: string): string | undefined {
  for (const part of filter.split('.')) {
    if (part === '') return `filter contains blank section: ${filter}`;
    if (part.includes('*') && part !== '*') return `invalid filter wildcard section: ${filter}`;
  }
  return undefined;
}

function wrongTag(tags: readonly string[]): string | undefined {
  for (const tag of tags) {
    const [key, value, more] = tag.split('=');
    if (value === undefined || more !== undefined) return `invalid template tags: '${tag}'`;
    // The reference's quote is alone there.
    if (key === '' || value === '') return `invalid template tags: ${tag}'`;
  }
  return undefined;
}

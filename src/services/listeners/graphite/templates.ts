/**
 * Templates of `[[graphite]]`: what the parts of a metric's path are (spec F127). Texts are bytes, one to a character, so that a
 * path of any bytes stays as it is.
 */
import { quoteGo } from '../../../base/go-format.ts';

/** What a path says of its point; nothing of it is escaped. */
export interface NamedPath {
  readonly measurement: string;
  readonly tags: ReadonlyMap<string, string>;
  /** '' where the template has none. */
  readonly field: string;
}

export interface TemplateSettings {
  /** `filter template tags`, of which the first and the last may be left out; checked with the configuration. */
  readonly templates: readonly string[];
  readonly separator: string;
}

interface Template {
  readonly parts: readonly string[];
  readonly tags: ReadonlyMap<string, string>;
}

/** Templates by the parts of their filters; one that has a template stands for all paths that begin so. */
interface FilterNode {
  readonly children: Map<string, FilterNode>;
  template: Template | undefined;
}

export class Templates {
  readonly #separator: string;
  readonly #root: FilterNode = { children: new Map(), template: undefined };
  /** Of paths that no filter fits; without one a path is the measurement, whatever the separator. */
  #default: Template | undefined;

  constructor({ templates, separator }: TemplateSettings) {
    this.#separator = separator;
    for (const text of templates) this.#add(text);
  }

  /** The text of an error where the template that fits cannot be applied. */
  apply(path: string): NamedPath | string {
    const names = path.split('.');
    const template = this.#templateOf(names);
    if (template === undefined) return { measurement: path, tags: new Map(), field: '' };
    const { parts, tags } = template;
    if (parts.includes('field*') && parts.includes('measurement*'))
      return `either 'field*' or 'measurement*' can be used in each template (but not both together): "${parts.join(this.#separator)}"`;
    const measurement: string[] = [];
    const found = new Map<string, string[]>();
    const add = (tag: string, value: string): void => {
      const values = found.get(tag);
      if (values === undefined) found.set(tag, [value]);
      else values.push(value);
    };
    for (const [tag, value] of tags) add(tag, value);
    let field = '';
    const count = Math.min(parts.length, names.length);
    for (let i = 0; i < count; i++) {
      const [part = '', name = ''] = [parts[i], names[i]];
      if (part === 'measurement') measurement.push(name);
      else if (part === 'field') {
        if (field !== '')
          return `'field' can only be used once in each template: ${quoteGo(Buffer.from(path, 'latin1').toString())}`;
        field = name;
      } else if (part === 'field*') {
        field = names.slice(i).join(this.#separator);
        break;
      } else if (part === 'measurement*') {
        measurement.push(...names.slice(i));
        break;
      } else if (part !== '') add(part, name);
    }
    const joined = Array.from(
      found,
      ([tag, values]) => [tag, values.join(this.#separator)] as const,
    );
    const name = measurement.join(this.#separator);
    return { measurement: name === '' ? path : name, tags: new Map(joined), field };
  }

  #add(text: string): void {
    const words = text.split(/\s+/).filter((word) => word !== '');
    const [first = '', second = '', third = second] = words;
    const hasFilter = words.length > 1 && !second.includes('=');
    // Of one that is there twice the last counts.
    const tags = new Map(third.includes('=') ? third.split(',').map(pairOf) : []);
    const template = { parts: (hasFilter ? second : first).split('.'), tags };
    if (hasFilter) insert(this.#root, first.split('.'), template);
    else this.#default = template;
  }

  #templateOf(names: readonly string[]): Template | undefined {
    let node = this.#root;
    for (const name of names) {
      const next = node.children.get(name) ?? node.children.get('*');
      if (next === undefined) break;
      node = next;
    }
    return node.template ?? this.#default;
  }
}

function insert(root: FilterNode, filter: readonly string[], template: Template): void {
  let node = root;
  for (const part of filter) {
    let next = node.children.get(part);
    if (next === undefined) {
      // As the reference: what a wildcard stands for begins as what is before it.
      next = { children: new Map(), template: part === '*' ? node.template : undefined };
      node.children.set(part, next);
    }
    node = next;
  }
  node.template = template;
}

/** `key=value`. */
export function pairOf(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

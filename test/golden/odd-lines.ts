import { Prng } from '../../src/base/prng.ts';

const tokens = ['m', ',', '=', ' ', '\\', '"', '\n', '#', 't', 'i', '1', '-', '.', 'e', '\t', '\r', 'é', 'n', 'u', 'E', '+', 'true', 'F', 'm f=1 1', 'm,t=a', ' f=1', ' v="a b"', ',g=2i', ',h=t', '1e400', '9999999999999999999i', '\\\\', '\\,', '\\=', '\\ ', '\\"', ',a=b', '="', '" 1', ' 1', '\nm v=2 7']; // prettier-ignore
const digits = [
  '1',
  '.',
  'e',
  'E',
  '+',
  '-',
  'i',
  'u',
  '0',
  '99999999999',
  'n',
  '_',
  '5e',
  '400',
  ',',
  '  ',
];
const lines = [
  'm,t=a,u=b f=1,g="x y",h=t,i=7i 5\nn v=1 6',
  'a\\ b,c\\,d=e\\=f g\\ h="i\\"j",k=-1.5e3 -9',
  'm f="a\nb",g=2 1\nm f="c" 2',
];

/** Bodies of line protocol that are nearly right: the same ones for a seed. */
export function oddBodies(count: number, seed: number): readonly string[] {
  const random = Prng.fromSeed(seed);
  const below = (end: number): number => random.u32() % end;
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
  const join = (items: readonly string[], most: number): string => {
    let text = '';
    for (let left = 1 + below(most); left > 0; left--) text += pick(items);
    return text;
  };
  const damaged = (): string => {
    let text = pick(lines);
    for (let left = 1 + below(4); left > 0; left--) {
      const at = below(text.length + 1);
      const put = below(4) === 0 ? '' : pick(tokens);
      text = text.slice(0, at) + put + text.slice(at + below(3));
    }
    return text;
  };
  const kinds = [() => join(tokens, 14), () => `m v=${join(digits, 8)} 1`, damaged, damaged];
  return Array.from({ length: count }, () => pick(kinds)());
}

import type { RandomChoice } from './random-choice.ts';

/** Numbers in every form, and what looks like one. */
export const oddNumbers = ['.5', '5.', '0.0', '-5', '+5', '- 5', '1e3', '0x1', '007', '9223372036854775807', '9223372036854775808', '-9223372036854775808', '18446744073709551615', '18446744073709551616', '1u', '3i', '1.5.2', '1h30m', '1.5h', '1µ', '2u', '7w', '1y', '99999999999w', '0s', 'true', 'FALSE', 'null', "'7'", "''", '"v"', "'it\\'s'", "'a\\nb'", "'a\\qb'", '/./']; // prettier-ignore

const blanks = [
  ' ',
  '  ',
  '\t',
  '\n',
  ' \r\n ',
  ' /* c */ ',
  '/**/ ',
  ' -- c\n',
  '\n\n',
  ' /* a\n b */ ',
];

/** The same text as a hurried hand or a program writes it: other blanks, comments, another case. */
export function noisy(random: RandomChoice, text: string): string {
  const recased = random.chance(0.5) ? text.replaceAll(/\b[A-Z]{2,}\b/g, (word) => random.of([word, word.toLowerCase(), word.charAt(0) + word.slice(1).toLowerCase()])) : text; // prettier-ignore
  const spaced = recased.replaceAll(' ', () => (random.chance(0.15) ? random.of(blanks) : ' '));
  return random.of([spaced, spaced, `${spaced};`, ` ${spaced} ;; `, `-- c\n${spaced}`, `${spaced} -- c`, `/* c */${spaced}`]); // prettier-ignore
}

/** A place in the text gets a character that does not belong there, or loses one. */
export function torn(random: RandomChoice, text: string): string {
  const at = random.integer(0, text.length);
  const head = text.slice(0, at);
  if (random.chance(0.3)) return head;
  const tail = text.slice(at + random.integer(0, 2));
  return head + random.of(['', '(', ')', ',', '.', ';', '"', "'", '/', '=', '~', '!', '$', '$p', '\\', 'é', '::', '*', '%', '-', '0', ' AND ', ' time ', ...oddNumbers]) + tail; // prettier-ignore
}

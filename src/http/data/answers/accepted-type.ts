/** The formats of an answer, in the order in which a wildcard finds them (spec F74). */
const answerTypes = [
  'application/json',
  'application/csv',
  'text/csv',
  'application/x-msgpack',
] as const;
export type AnswerType = (typeof answerTypes)[number];

/** The format that an Accept header asks for: by weight, then by place; JSON when it names none that we have. */
export function acceptedType(accept: string): AnswerType {
  // What nearly everybody sends.
  if (accept === '' || accept === '*/*' || accept === 'application/json') return 'application/json';
  const wanted = accept
    .split(',')
    .map((part) => {
      const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
      const weight = parameters.find((parameter) => parameter.startsWith('q='));
      return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) || 0 };
    })
    .sort((a, b) => b.weight - a.weight);
  for (const { type } of wanted) {
    const found = answerTypes.find((one) => matches(type, one));
    if (found !== undefined) return found;
  }
  return 'application/json';
}

function matches(pattern: string, type: AnswerType): boolean {
  if (pattern === '*') return true;
  const [major, minor] = pattern.split('/');
  const [ownMajor, ownMinor] = type.split('/');
  return (major === '*' || major === ownMajor) && (minor === '*' || minor === ownMinor);
}

type Pair = readonly [unknown, unknown];

/** Whether plain data (objects, arrays, bytes, primitives) says the same, however deep it is. */
export function isEqualData(one: unknown, other: unknown): boolean {
  const left: Pair[] = [[one, other]];
  for (let pair = left.pop(); pair !== undefined; pair = left.pop()) {
    const [a, b] = pair;
    if (Object.is(a, b)) continue;
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
    const parts = ArrayBuffer.isView(a) || Array.isArray(a) ? listParts(a, b) : objectParts(a, b);
    if (parts === undefined) return false;
    left.push(...parts);
  }
  return true;
}

function listParts(one: unknown, other: unknown): readonly Pair[] | undefined {
  const [a, b] = [one as ArrayLike<unknown>, other as ArrayLike<unknown>];
  const isSame = Object.getPrototypeOf(a) === Object.getPrototypeOf(b) && a.length === b.length;
  return isSame ? Array.from(a, (item, i) => [item, b[i]] as const) : undefined;
}

function objectParts(one: object, other: object): readonly Pair[] | undefined {
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return undefined;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return undefined;
  const of = other as Readonly<Record<string, unknown>>;
  if (!names.every((name) => Object.hasOwn(of, name))) return undefined;
  return names.map((name) => [(one as Readonly<Record<string, unknown>>)[name], of[name]] as const);
}

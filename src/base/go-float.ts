/** Floats as Go's strconv.ParseFloat reads them: hexadecimal ones and underscores between digits too. */
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const hexadecimal = /^([+-]?)0x([\da-f]*)\.?([\da-f]*)p([+-]?\d+)$/i;
const fourBits = 4;

/** Undefined for what is no number, is none that a float can hold, or is infinite or not a number. */
export function parseGoFloat(text: string): number | undefined {
  const plain = text.includes('_') ? text.replaceAll(/(?<=[\da-f]|0x)_(?=[\da-f])/gi, '') : text;
  const value = decimal.test(plain) ? Number(plain) : parseHexadecimal(plain);
  return Number.isFinite(value) ? value : undefined;
}

function parseHexadecimal(text: string): number {
  const [, sign = '', whole = '', fraction = '', power = ''] = hexadecimal.exec(text) ?? [];
  if (whole === '' && fraction === '') return Number.NaN;
  const mantissa = Number(BigInt(`0x${whole}${fraction}`));
  const value = mantissa * 2 ** (Number(power) - fourBits * fraction.length);
  return sign === '-' ? -value : value;
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDbError } from '../base/errors.ts';
import { Config } from './config.ts';
import { quoteToml } from './config-value.ts';
import { dataArrayKeys, dataKeys } from './data-keys.ts';
import { variablesOf } from './environment.ts';

const read = (text: string, environment: Record<string, string> = {}) =>
  Config.read({ text, environment, keys: dataKeys, arrayKeys: dataArrayKeys });

const places = Object.entries(dataKeys).flatMap(([section, keys]) =>
  Object.keys(keys).map((key) => ({ section, key })),
);
const tomlValue = fc.oneof(
  fc.boolean().map(String),
  fc.bigInt({ min: -(1n << 66n), max: 1n << 66n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toFixed(3)),
  fc.string().map(quoteToml),
  fc.constantFrom('"10s"', '"1h30m"', '"48m"', '1979-05-27', '[]', '["4xx"]', '[1]', '{}', '{a=1}'),
);

/** Either it is taken, and what is printed reads back to the same, or it is refused with the key in the text. */
function takenOrRefused(key: string, attempt: () => Config<typeof dataKeys>): void {
  try {
    const printed = attempt().print();
    expect(read(printed).print()).toBe(printed);
  } catch (error) {
    if (!isDbError(error, 'invalid_argument')) throw error;
    expect(error.message).toContain(key);
  }
}

test('config values: any value for any key is taken or refused by name', () => {
  fc.assert(
    fc.property(fc.constantFrom(...places), tomlValue, ({ section, key }, value) => {
      const head = section === '' ? '' : `[${section}]\n`;
      takenOrRefused(key, () => read(`${head}${key} = ${value}\n`));
    }),
    { numRuns: 600, seed: 5 },
  );
});

test('config values: any text of any variable is taken or refused by name', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('true', '7', '0x10', '10s', '1g', '-1', '4xx'),
  );
  fc.assert(
    fc.property(fc.constantFrom(...places), text, (place, value) => {
      const [variable = ''] = variablesOf(place);
      takenOrRefused(place.key, () => read('', { [variable]: value }));
    }),
    { numRuns: 600, seed: 6 },
  );
});

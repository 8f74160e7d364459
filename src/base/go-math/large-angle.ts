import { exponentOf } from './float-bits.ts';

/** From here on parts of pi as floats do not do. */
export const largeAngle = 2 ** 29;

/** The 1 before the point of 4 / pi and as many bits behind it as the largest float asks for, after 63 zeros. */
const octantsPerRadian = BigInt(
  `0x${[
    '0000000000000001_45f306dc9c882a53_f84eafa3ea69bb81_b6c52b3278872083',
    'fca2c757bd778ac3_6e48dc74849ba5c0_0c925dd413a32439_fc3bd63962534e7d',
    'd1046bea5d768909_d338e04d68befc82_7323ac7306a673e9_3908bf177bf25076',
    '3ff12fffbc0b301f_de5e2316b414da3e_da6cfd9e4f96136e_9e8c7ecd3cbfd45a',
    'ea4f758fd7cbe2f6_7a0e73ef14a525d4_d7f6bf623f1aba10_ac06608df8f6d757',
  ]
    .join('')
    .replaceAll('_', '')}`,
);
const octantsPerRadianBits = 20 * 64;

/**
 * An even number of quarters of pi, less whole turns, and what is left of an angle beside them (Payne and Hanek, "Radian
 * reduction for trigonometric functions", 1983): of the product with 4 / pi only the 128 bits about the point are looked
 * at. With bigints, which such angles are too rare to mind.
 */
export function reduceLargeAngle(size: number): { octants: number; rest: number } {
  const exponent = exponentOf(size) - 52;
  const significand = BigInt(size / 2 ** exponent);
  const bits = BigInt.asUintN(192, octantsPerRadian >> BigInt(octantsPerRadianBits - 192 - (exponent + 61))); // prettier-ignore
  const product = BigInt.asUintN(128, (bits * significand) >> 64n);
  const octants = Number(product >> 125n);
  const fraction = fractionOf(product);
  const isOdd = (octants & 1) === 1;
  return {
    octants: isOdd ? (octants + 1) & 7 : octants,
    rest: (isOdd ? fraction - 1 : fraction) * (Math.PI / 4),
  };
}

/**
 * What is behind the point, cut to 53 bits. Where there are more than eleven zeros first, the last bits are taken from
 * three places before their own, as the reference takes them.
 */
function fractionOf(product: bigint): number {
  const upper = BigInt.asUintN(64, product >> 61n);
  const lower = BigInt.asUintN(64, product);
  const bitCount = upper.toString(2).length;
  const skipped = 64 - bitCount + 1;
  const shifted = BigInt.asUintN(64, (upper << BigInt(skipped)) | (lower >> BigInt(64 - skipped)));
  return (1 + Number(shifted >> 12n) * 2 ** -52) * 2 ** -skipped;
}

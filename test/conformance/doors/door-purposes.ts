import type { Door } from './door.ts';

const requests: readonly (readonly [sent: RegExp, reason: string])[] = [
  [/ \/metrics/, 'other figures are there'],
  [
    / \/(health|ping\?verbose|api\/v2\/buckets).*[^]*Accept: .*(csv|msgpack)/,
    'JSON is told to be something else there',
  ],
  [/Accept-Encoding: .*[^]*Accept-Encoding: /, 'of two headers the first counts there'],
  [/HTTP\/1\.0[^]*Expect: /, 'HTTP/1.0 knows no expectations'],
  [/\/qu%65ry[^]*Origin: /, 'an address that is not there has headers of its origin'],
];

/** Where ours is another on purpose. */
export const doorPurposes = {
  /** Of a connection. */
  requests: (sent: string): boolean => requests.some(([text]) => text.test(sent)),
  /** What is signed is read, and counted, twice there. */
  counters: ({ section }: Door, column: string): boolean =>
    section === 'collectd' && ['pointsRx', 'droppedPointsInvalid'].includes(column),
};

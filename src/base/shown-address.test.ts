import { expect, test } from 'vitest';
import { shownAddress } from './shown-address.ts';

test.each([
  ['http://user:secret@host:9092', 'http://user:[REDACTED]@host:9092'],
  ['http://user:se:cr@et@host/a:b@c', 'http://user:[REDACTED]@host/a:b@c'],
  ['http://:secret@host', 'http://:[REDACTED]@host'],
  ['https://host/x?u=a&p=secret&z=1#p', 'https://host/x?u=a&p=[REDACTED]&z=1#p'],
  ['udp://host:9', 'udp://host:9'],
  ['http://user@host:80/a', 'http://user@host:80/a'],
  [`ALL 'http://a:secret@b', 'udp://h:1', 'http://c:secret@d'`, `ALL 'http://a:[REDACTED]@b', 'udp://h:1', 'http://c:[REDACTED]@d'`],
  ['/show-shards?u=a&p=secret', '/show-shards?u=a&p=[REDACTED]'],
  ['/authorized?name=a&password=secret&resource=_', '/authorized?name=a&password=[REDACTED]&resource=_'],
])('shown address: %s', (address, shown) => {
  expect(shownAddress(address)).toBe(shown);
}); // prettier-ignore

import { expect, test } from 'vitest';
import { checkSubscriptionAddress } from './subscription-address.ts';

const told = (url: string) => () => {
  checkSubscriptionAddress(url);
};

// As a real 1.12.4 takes them.
test.each([
  'http://h:1',
  'udp://:9',
  'https://user:p%25@h:1/x%20y?a=%zz#b',
  'http://a@b@h:1',
  'http://a;b:c@h_x:1',
  'http://[::1]:1',
  'http://[fe80::1%25eth0]:1',
  'http://é:1',
  'http://h%C3%A9:1',
  'http://<h>:1',
  'http://h:99999',
])('subscription address: %s is one', (url) => {
  expect(told(url)).not.toThrow();
});

test.each([
  'http://user:50%off@h:1',
  'http://a:p%@h:1',
  'http://a<b@h:1',
  'http://a:p€@h:1',
  'http://h%41:1',
  'http://h%20x:1',
  'http://h^:1',
  'http://h:1/%zz',
  'http://h:1#%zz',
  'udp://h%20x:1',
  'http://[]:1',
  'http://[x]:1',
  'http://[1.2.3.4]:1',
  'http://[fe80::1%eth0]:1',
  'http://[fe80::1%25]:1',
  'http://[fe80::1%25a%zz]:1',
])('subscription address: %s is none', (url) => {
  expect(told(url)).toThrow(`invalid subscription URL: ${url}`);
});

test('subscription address: long ones are looked at at once', () => {
  const long = 'a@'.repeat(100_000);
  expect(told(`http://${long}h:1`)).not.toThrow();
  expect(told(`http://${long}h^:1`)).toThrow('invalid subscription URL');
});

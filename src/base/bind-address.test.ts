import { expect, test } from 'vitest';
import { hostAndPort, parseBindAddress } from './bind-address.ts';

test('bind address: an IPv6 address is read without its brackets, and written with them', () => {
  expect(parseBindAddress('[::1]:8088')).toEqual({ host: '::1', port: 8_088 });
  expect(parseBindAddress(':8088')).toEqual({ host: '', port: 8_088 });
  expect(hostAndPort('::1', 8_088)).toBe('[::1]:8088');
  expect(hostAndPort('[::1]', 8_088)).toBe('[::1]:8088');
  expect(hostAndPort('fe80::1%eth0', 8_088)).toBe('[fe80::1%eth0]:8088');
  expect(hostAndPort('data-1', '8088')).toBe('data-1:8088');
});

import { expect, test } from 'vitest';
import { dialText } from './dial-text.ts';

const failed = (code: string, more: object = {}) => Object.assign(new Error('of node'), { code, ...more }); // prettier-ignore

test.each([
  [
    'h:1',
    failed('ECONNREFUSED', { address: '10.0.0.1', port: 1 }),
    'dial tcp 10.0.0.1:1: connect: connection refused',
  ],
  [
    'h:1',
    failed('ECONNREFUSED', { address: '::1', port: 1 }),
    'dial tcp [::1]:1: connect: connection refused',
  ],
  [
    'h:1',
    Object.assign(new AggregateError([failed('ECONNREFUSED', { address: '::1', port: 1 })]), {
      code: 'ECONNREFUSED',
    }),
    'dial tcp [::1]:1: connect: connection refused',
  ],
  ['h:1', failed('ENOTFOUND'), 'dial tcp: lookup h: no such host'],
  ['h:1', failed('EAI_AGAIN'), 'dial tcp: lookup h: no such host'],
  ['h:1', failed('EHOSTUNREACH'), 'dial tcp h:1: connect: no route to host'],
  ['h:1', failed('ENETUNREACH'), 'dial tcp h:1: connect: network is unreachable'],
  ['h:1', failed('ETIMEDOUT'), 'dial tcp h:1: i/o timeout'],
  ['junk', failed('ERR_SOCKET_BAD_PORT'), 'dial tcp: address junk: missing port in address'],
  ['', failed('ERR_SOCKET_BAD_PORT'), 'dial tcp: address : missing port in address'],
  ['[::1]', failed('ERR_SOCKET_BAD_PORT'), 'dial tcp: address [::1]: missing port in address'],
  ['h:70000', failed('ERR_SOCKET_BAD_PORT'), 'dial tcp: address 70000: invalid port'],
  ['h:x', failed('ERR_SOCKET_BAD_PORT'), 'dial tcp: address x: invalid port'],
  [
    'h:1',
    failed('DEPTH_ZERO_SELF_SIGNED_CERT'),
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  ],
  [
    'h:1',
    failed('CERT_HAS_EXPIRED'),
    'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
  ],
  [
    'h:1',
    failed('ERR_TLS_CERT_ALTNAME_INVALID'),
    'tls: failed to verify certificate: x509: certificate is not valid for h',
  ],
  [
    'h:1',
    failed('EPROTO', { message: 'wrong version number' }),
    'http: server gave HTTP response to HTTPS client',
  ],
  ['h:1', failed('EWHAT'), 'of node'],
])('dial text: %j', (address, error, text) => {
  // prettier-ignore
  expect(dialText(address, error)).toBe(text);
});

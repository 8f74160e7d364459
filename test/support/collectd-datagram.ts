import { createCipheriv, createHash, createHmac } from 'node:crypto';

/** Parts of collectd's datagrams, as its own network plugin writes them. */
export function part(kind: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(kind, 0);
  head.writeUInt16BE(body.length + 4, 2);
  return Buffer.concat([head, body]);
}

export function textPart(kind: number, text: string): Buffer {
  return part(kind, Buffer.from(`${text}\0`));
}

export function numberPart(kind: number, value: bigint): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigInt64BE(value);
  return part(kind, body);
}

/** Gauges. */
export function valuesPart(values: readonly number[]): Buffer {
  const body = Buffer.alloc(2 + values.length * 9, 1);
  body.writeUInt16BE(values.length, 0);
  for (const [i, value] of values.entries()) body.writeDoubleLE(value, 2 + values.length + i * 8);
  return part(6, body);
}

export function gauge(host: string, seconds: bigint, value: number): Buffer {
  const texts = [textPart(2, 'plugin'), textPart(3, 'one'), textPart(4, 'gauge'), textPart(5, 'two')]; // prettier-ignore
  return Buffer.concat([textPart(0, host), numberPart(1, seconds), ...texts, valuesPart([value])]);
}

export interface User {
  readonly name: string;
  readonly password: string;
}

export function signed(body: Uint8Array, { name, password }: User): Buffer {
  const user = Buffer.from(name);
  const signature = createHmac('sha256', password).update(user).update(body).digest();
  return Buffer.concat([part(0x200, Buffer.concat([signature, user])), body]);
}

export function encrypted(body: Uint8Array, { name, password }: User): Buffer {
  const user = Buffer.from(name);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(user.length);
  const vector = Buffer.alloc(16, 7);
  const key = createHash('sha256').update(password).digest();
  const checksum = createHash('sha1').update(body).digest();
  const sealed = createCipheriv('aes-256-ofb', key, vector).update(Buffer.concat([checksum, body]));
  return part(0x210, Buffer.concat([length, user, vector, sealed]));
}

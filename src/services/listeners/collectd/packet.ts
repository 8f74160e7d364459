/**
 * collectd's binary protocol: a datagram is a row of parts, each a kind and a length of two bytes and then what it says. Texts and
 * times hold until the next part of their kind; `values` makes one list of values of what holds then.
 *
 * Invariants:
 * - A part is longer than its head and ends within what it is in: each step goes on by four bytes or more.
 * - What is in encrypted and behind signed parts is read with nothing that was said outside, and is nested no deeper than
 *   `depthMax`. The reference reads what is signed as often as there are signatures, each time twice.
 * - Nothing is kept of a datagram that has a fault; its caller drops what it was told of.
 */
import { openSealed, signatureFault, type Secrets } from './packet-secrets.ts';
import { SourceKind } from './types-db.ts';

/** What was said with it: less than the least that a server takes is passed over, without a fault. */
export const Trust = { none: 0, sign: 1, encrypt: 2 } as const;
export type Trust = (typeof Trust)[keyof typeof Trust];

/** Texts of a list of values, in the order of their tags. */
export const HeadText = {
  host: 0,
  pluginInstance: 1,
  type: 2,
  typeInstance: 3,
  plugin: 4,
} as const;
export type HeadText = (typeof HeadText)[keyof typeof HeadText];
const headTextCount = 5;

/** What holds for the values that come next. */
export class PacketHead {
  /** In which all of it lies. */
  readonly bytes: Uint8Array;
  readonly starts = new Int32Array(headTextCount);
  readonly ends = new Int32Array(headTextCount);
  /** Undefined until a time has come. */
  timeNs: bigint | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

export interface PacketReader {
  /** Less is passed over. */
  readonly trustMin: Trust;
  readonly secrets: Secrets;
  /** `count` values: a byte of kind for each from `at` of the head's bytes, then eight bytes for each. */
  values(head: PacketHead, at: number, count: number): void;
}

const PartKind = {
  host: 0,
  time: 1,
  plugin: 2,
  pluginInstance: 3,
  type: 4,
  typeInstance: 5,
  values: 6,
  interval: 7,
  timeFine: 8,
  intervalFine: 9,
  signature: 0x200,
  encryption: 0x210,
} as const;

const partHeadBytes = 4;
const numberBytes = 8;
/** A kind and a number. */
const valueBytes = 9;
/** Of what is encrypted or signed within another: collectd itself sends one. */
const depthMax = 4;

const invalid = 'invalid data';

/** Undefined, or what is wrong with the datagram, in the reference's words. */
export function readPacket(bytes: Uint8Array, reader: PacketReader): string | undefined {
  return readParts(bytes, reader, Trust.none, 0);
}

function readParts(
  bytes: Uint8Array,
  reader: PacketReader,
  trust: Trust,
  depth: number,
): string | undefined {
  const head = new PacketHead(bytes);
  for (let at = 0; at < bytes.length;) {
    if (at + partHeadBytes > bytes.length) return invalid;
    const kind = u16(bytes, at);
    const end = at + u16(bytes, at + 2);
    const start = at + partHeadBytes;
    if (end <= start || end > bytes.length) return `invalid length ${end - at}`;
    if (kind === PartKind.signature) {
      const [part, rest] = [bytes.subarray(start, end), bytes.subarray(end)];
      if (depth >= depthMax) return invalid;
      return (
        signatureFault(part, rest, reader.secrets) ??
        readParts(rest, reader, Math.max(trust, Trust.sign) as Trust, depth + 1)
      );
    }
    const fault =
      kind === PartKind.encryption
        ? readSealed(bytes.subarray(start, end), reader, depth)
        : readPart(head, kind, { start, end }, trust >= reader.trustMin ? reader : undefined);
    if (fault !== undefined) return fault;
    at = end;
  }
  return undefined;
}

function readSealed(part: Uint8Array, reader: PacketReader, depth: number): string | undefined {
  if (depth >= depthMax) return invalid;
  const opened = openSealed(part, reader.secrets);
  if (opened === undefined) return 'AES256 decryption failure';
  return readParts(opened, reader, Trust.encrypt, depth + 1);
}

interface Place {
  readonly start: number;
  readonly end: number;
}

/** Without a reader the part is looked at all the same. */
function readPart(
  head: PacketHead,
  kind: number,
  place: Place,
  reader: PacketReader | undefined,
): string | undefined {
  switch (kind) {
    case PartKind.host:
      return readText(head, HeadText.host, place);
    case PartKind.plugin:
      return readText(head, HeadText.plugin, place);
    case PartKind.pluginInstance:
      return readText(head, HeadText.pluginInstance, place);
    case PartKind.type:
      return readText(head, HeadText.type, place);
    case PartKind.typeInstance:
      return readText(head, HeadText.typeInstance, place);
    case PartKind.time:
    case PartKind.timeFine:
      return readTime(head, place, kind === PartKind.timeFine);
    case PartKind.interval:
    case PartKind.intervalFine:
      return place.end - place.start === numberBytes ? undefined : invalid;
    case PartKind.values:
      return readValues(head, place, reader);
    default:
      // Notifications, and what later releases of collectd may add.
      return undefined;
  }
}

/** A zero ends it. */
function readText(head: PacketHead, text: HeadText, { start, end }: Place): string | undefined {
  if (head.bytes[end - 1] !== 0) return invalid;
  head.starts[text] = start;
  head.ends[text] = end - 1;
  return undefined;
}

/** Fine ones are in steps of 2^-30 of a second. */
function readTime(head: PacketHead, { start, end }: Place, isFine: boolean): string | undefined {
  if (end - start !== numberBytes) return invalid;
  const { buffer, byteOffset } = head.bytes;
  const steps = new DataView(buffer, byteOffset + start, numberBytes).getBigUint64(0);
  if (isFine) {
    const restNs = ((steps & 0x3fff_ffffn) * 1_000_000_000n + (1n << 29n)) >> 30n;
    head.timeNs = (steps >> 30n) * 1_000_000_000n + restNs;
  } else head.timeNs = BigInt.asIntN(64, steps) * 1_000_000_000n;
  return undefined;
}

function readValues(
  head: PacketHead,
  { start, end }: Place,
  reader: PacketReader | undefined,
): string | undefined {
  if (end - start < 2) return 'unexpected EOF';
  const count = u16(head.bytes, start);
  const at = start + 2;
  if (at + count * valueBytes !== end) return invalid;
  for (let i = 0; i < count; i++)
    if ((head.bytes[at + i] ?? 0xff) > SourceKind.absolute) return invalid;
  reader?.values(head, at, count);
  return undefined;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

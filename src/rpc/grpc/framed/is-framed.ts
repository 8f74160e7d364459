import type { Buffer } from 'node:buffer';
import { framedSetting, framedVersion } from './framed-connection.ts';
import { clientPreface, frameTypes, headBytes, settingsIn } from './frames.ts';

/** Whether what a connection says first is the preface of HTTP/2 and settings that say that a node speaks frames as we do. */
export function isFramed(first: Buffer): boolean {
  const at = clientPreface.length;
  if (first.length < at + headBytes || !first.subarray(0, at).equals(clientPreface)) return false;
  const end = at + headBytes + first.readUIntBE(at, 3);
  if (first[at + 3] !== frameTypes.settings || (end - at - headBytes) % 6 !== 0) return false;
  // One whose settings come in two parts is served as anybody is, and hears so.
  return first.length >= end && settingsIn(first.subarray(at + headBytes, end)).get(framedSetting) === framedVersion; // prettier-ignore
}

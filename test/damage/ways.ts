/** What may become of a file while its node is stopped. */
import { closeSync, cpSync, existsSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'; // prettier-ignore

export interface Way {
  readonly name: string;
  apply(path: string): void;
}

const bit = 0x10;

/** `earlier` is where a state of before lies, if the file was there then. */
export function waysOf(path: string, earlier: string): readonly Way[] {
  const lengthBytes = statSync(path).size;
  const removed: Way = { name: 'removed', apply: (of) => { rmSync(of); } }; // prettier-ignore
  if (lengthBytes === 0) return [removed];
  const places = new Set([0, lengthBytes >> 3, lengthBytes >> 1, (lengthBytes * 7) >> 3, lengthBytes - 3, lengthBytes - 1]); // prettier-ignore
  const flips = [...places].filter((at) => at >= 0).map((at): Way => ({ name: `flipped at ${at}`, apply: (of) => { flip(of, at); } })); // prettier-ignore
  const cuts = [0, lengthBytes >> 1].map((at): Way => ({ name: `cut at ${at}`, apply: (of) => { truncateSync(of, at); } })); // prettier-ignore
  const zeros: Way = { name: 'zeros', apply: (of) => { write(of, 0, new Uint8Array(lengthBytes)); } }; // prettier-ignore
  const isChanged = existsSync(earlier) && !readFileSync(earlier).equals(readFileSync(path));
  const old: Way = { name: 'as it was earlier', apply: (of) => { cpSync(earlier, of); } }; // prettier-ignore
  return [...flips, removed, ...cuts, zeros, ...(isChanged ? [old] : [])];
}

function flip(path: string, at: number): void {
  write(path, at, Buffer.of((readFileSync(path)[at] ?? 0) ^ bit));
}

function write(path: string, at: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

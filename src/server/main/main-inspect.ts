import { homedir } from 'node:os';
import { exactBytesOf } from '../../base/exact-text.ts';
import { runInspect } from '../../cli/inspect/run-inspect.ts';
import { keepCompiledCode } from '../../env/node/kept-code.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeDisk } from '../../env/node/node-disk.ts';

// Who reads no further, as `head` does, ends it.
process.stdout.on('error', () => process.exit(1));

/** Names as they are, of whatever bytes. */
const bytesOf = (piece: string | Uint8Array): Uint8Array =>
  typeof piece === 'string' ? exactBytesOf(piece) : piece;

const ran = runInspect(process.argv.slice(2), {
  disk: new NodeDisk(),
  clock: new NodeClock(),
  home: process.env['HOME'] ?? homedir(),
  workingFolder: process.cwd(),
  out: (piece) =>
    new Promise((resolve) => {
      if (process.stdout.write(bytesOf(piece))) resolve();
      else process.stdout.once('drain', resolve);
    }),
  err: (text) => process.stderr.write(bytesOf(text)),
});
void ran.then((code) => {
  process.exitCode = code;
  keepCompiledCode();
});

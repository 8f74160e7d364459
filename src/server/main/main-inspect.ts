import { homedir } from 'node:os';
import { runInspect } from '../../cli/inspect/run-inspect.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeDisk } from '../../env/node/node-disk.ts';

// Who reads no further, as `head` does, ends it.
process.stdout.on('error', () => process.exit(1));

process.exitCode = await runInspect(process.argv.slice(2), {
  disk: new NodeDisk(),
  clock: new NodeClock(),
  home: process.env['HOME'] ?? homedir(),
  workingFolder: process.cwd(),
  out: (piece) =>
    new Promise((resolve) => {
      if (process.stdout.write(piece)) resolve();
      else process.stdout.once('drain', resolve);
    }),
  err: (text) => process.stderr.write(text),
});

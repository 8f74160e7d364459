import { createInterface } from 'node:readline';
import { runCtl } from '../../ctl/run-ctl.ts';
import { keepCompiledCode } from '../../env/node/kept-code.ts';

/** What the user types, or a script pipes in; opened when the first line is wanted. */
const typed: { lines: AsyncIterator<string> | undefined } = { lines: undefined };

async function readLine(): Promise<string> {
  typed.lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = await typed.lines.next();
  return next.done === true ? '' : next.value;
}

function interrupts(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      controller.abort();
    });
  return controller.signal;
}

const ran = runCtl(process.argv.slice(2), Date.now, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  readLine,
  environment: process.env,
  interrupts,
});
void ran.then((code) => {
  process.exitCode = code;
  keepCompiledCode();
  // An open input would keep the process.
  if (typed.lines !== undefined) process.stdin.destroy();
});

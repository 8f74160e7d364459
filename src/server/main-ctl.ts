import { runCtl } from '../ctl/run-ctl.ts';

process.exitCode = await runCtl(process.argv.slice(2), Date.now, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});

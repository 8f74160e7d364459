import { errorText } from '../../base/errors.ts';
import { licenseCommand } from '../../cli/license/license-command.ts';

try {
  licenseCommand({
    nowMs: () => Date.now(),
    print: (text) => process.stdout.write(text),
    onStop: (close) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, close);
    },
  }).parse();
} catch (error) {
  process.stderr.write(`${errorText(error)}\n`);
  process.exitCode = 1;
}

import { errorText } from '../base/errors.ts';
import { licenseCommand } from '../cli/license/license-command.ts';

try {
  licenseCommand(Date.now(), (text) => process.stdout.write(text)).parse();
} catch (error) {
  process.stderr.write(`${errorText(error)}\n`);
  process.exitCode = 1;
}

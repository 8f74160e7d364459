/** What nodes have logged as errors, with how often: numbers aside, each text once. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const textMax = 260;

export function loggedErrors(folder: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    if (!name.endsWith('.log')) continue;
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
      const [, text] = / lvl=error (.*)$/.exec(line) ?? [];
      if (text === undefined) continue;
      const plain = text
        .replace(/log_id=\S+ /, '')
        .replaceAll(/\d+/g, 'N')
        .slice(0, textMax);
      counts.set(plain, (counts.get(plain) ?? 0) + 1);
    }
  }
  return counts;
}

/** Profiles as texts for who reads them, in the forms of Go (`debug=1` and `debug=2`): how often, and below it where that stands. */
import type { StackSample } from './pprof.ts';

export function countedText(name: string, samples: readonly StackSample[]): string {
  const total = samples.reduce((sum, sample) => sum + valueOf(sample), 0);
  return `${name} profile: total ${total}\n${blocksOf(samples, String)}`;
}

/** Bytes, and in brackets those of all that was given out, which is the same here: a profile is of either. */
export function heapText(samples: readonly StackSample[]): string {
  const total = samples.reduce((sum, sample) => sum + valueOf(sample), 0);
  const said = (count: number, bytes: number): string => `${count}: ${bytes} [${count}: ${bytes}]`;
  const head = `heap profile: ${said(samples.length, total)} @ heap/1\n`;
  return `${head}${blocksOf(samples, (bytes) => said(1, bytes))}`;
}

/** No thread waits for another one's lock here. */
export function contentionText(name: 'contention' | 'mutex'): string {
  const period = name === 'mutex' ? 'sampling period=0\n' : '';
  return `--- ${name}:\ncycles/second=1000000000\n${period}`;
}

/** Each by itself, with what it is at: `goroutine?debug=2`. */
export function goroutineDump(samples: readonly StackSample[]): string {
  const each = samples.flatMap((sample) => Array.from({ length: valueOf(sample) }, () => sample));
  return each
    .map(({ frames }, i) => {
      const places = frames.map(({ functionName, url, lineNumber }) => {
        const place = url === '' ? '' : `\n\t${url}:${lineNumber + 1}`;
        return `${named(functionName)}(...)${place}\n`;
      });
      return `goroutine ${i + 1} [${stateOf(frames[0]?.functionName ?? '')}]:\n${places.join('')}`;
    })
    .join('\n');
}

function stateOf(innermost: string): string {
  if (innermost.startsWith('request ')) return 'request';
  if (innermost.startsWith('waiting for ')) return 'waiting';
  return innermost === '(idle)' ? 'idle' : 'running';
}

/** Most first. */
function blocksOf(samples: readonly StackSample[], said: (value: number) => string): string {
  return [...samples]
    .sort((a, b) => valueOf(b) - valueOf(a))
    .map((sample) => {
      const frames = sample.frames.map(({ functionName, url, lineNumber }) => {
        const place = url === '' ? '' : `\t${url}:${lineNumber + 1}`;
        return `#\t${named(functionName)}${place}\n`;
      });
      const thread = sample.thread === undefined ? '' : ` thread ${sample.thread}`;
      return `${said(valueOf(sample))} @${thread}\n${frames.join('')}`;
    })
    .join('\n');
}

function valueOf({ values: [value = 0] }: StackSample): number {
  return value;
}

function named(functionName: string): string {
  return functionName === '' ? '(anonymous)' : functionName;
}

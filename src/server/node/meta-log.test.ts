import { expect, test } from 'vitest';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeLog } from '../../env/node/log/node-log.ts';
import { metaLog } from './meta-log.ts';

function linesWith(isEnabled: boolean): string[] {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = NodeLog.create({ clock: new NodeClock(), format: 'logfmt', level: 'debug', write });
  const raft = metaLog(log, isEnabled).child('raft');
  raft.debug('d');
  raft.info('i');
  raft.warn('w');
  raft.error('e', { code: 'x' });
  return lines.map((line) => line.replace(/^ts=\S+ /, '').trim());
}

test('logging-enabled: false leaves errors alone, with their service and what belongs to them', () => {
  expect(linesWith(false)).toEqual(['lvl=error msg=e service=raft code=x']);
  expect(linesWith(true)).toHaveLength(4);
});

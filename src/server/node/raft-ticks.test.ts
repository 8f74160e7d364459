import { expect, test } from 'vitest';
import { Config } from '../../config/config.ts';
import { metaKeys } from '../../config/meta-keys.ts';
import { ticksOf } from './raft-ticks.ts';

function ticks(keys: string) {
  return ticksOf(Config.read({ text: `[meta]\n${keys}`, environment: {}, keys: metaKeys }));
}

test('raft ticks: a leader beats three times before a follower misses it', () => {
  expect(ticks('')).toEqual({ electionTicks: 10, heartbeatTicks: 3 });
  expect(ticks('heartbeat-timeout = "600ms"')).toEqual({ electionTicks: 10, heartbeatTicks: 2 });
  expect(ticks('election-timeout = "1ms"')).toEqual({ electionTicks: 2, heartbeatTicks: 1 });
});

test('raft ticks: a heartbeat-timeout beyond the election-timeout leaves the cluster with a leader', () => {
  expect(ticks('heartbeat-timeout = "10s"')).toEqual({ electionTicks: 10, heartbeatTicks: 3 });
});

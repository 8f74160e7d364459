import { Counters } from '../telemetry/counters.ts';

/** Fields of `hh_processor` that only grow (spec 1.11). */
const processorCounts = [
  'bytesRead',
  'bytesWritten',
  'writeBlocked',
  'writeDropped',
  'writeNodeReq',
  'writeNodeReqFail',
  'writeNodeReqPoints',
  'writeShardReq',
  'writeShardReqPoints',
] as const;
export type ProcessorCounters = Counters<(typeof processorCounts)[number]>;

export function newProcessorCounters(): ProcessorCounters {
  return new Counters(processorCounts);
}

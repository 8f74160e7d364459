/** `[hinted-handoff]` (spec F45), and one key of `[cluster]`. */
export interface HintOptions {
  readonly folder: string;
  /** Where it is noted what waited as it was closed: not on the disk of `folder`, as a rule. Undefined: nowhere. */
  readonly endsFolder?: string | undefined;
  readonly isEnabled: boolean;
  /** Of all queues to one node, on disk. */
  readonly sizeBytesMax: number;
  /** What has waited longer is dropped. */
  readonly ageMsMax: number;
  /** Appends to the queues of one node that are under way at a time. */
  readonly pendingMax: number;
  /** Payloads of one replay request. */
  readonly batchBytesMax: number;
  /** Requests to one node at a time. */
  readonly concurrencyMax: number;
  /** Bytes a second to one node; 0 is no limit. */
  readonly rateBytes: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
  readonly purgeMs: number;
  /** `allow-out-of-order-writes`: new writes go past a queue that is not empty. */
  readonly mayOvertake: boolean;
  /** Of a segment file. */
  readonly segmentBytesMax: number;
  /** Of a replay request. */
  readonly deadlineMs: number;
}

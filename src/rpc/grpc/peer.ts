import type { OutgoingHttpHeaders } from 'node:http2';
import type { Clock } from '../../env/clock.ts';
import type { ClientCall } from './client-call.ts';
import type { Garbage } from './garbage.ts';
import type { PacedResets } from './paced-resets.ts';
import type { SecureDial } from './secure-dial.ts';
import type { StreamPlaces } from './stream-places.ts';

/** A connection to a node that may be called. */
export interface Peer {
  readonly resets: PacedResets;
  readonly places: StreamPlaces;
  /** Whether a call may be made with it. */
  readonly isUsable: boolean;
  /** Sends a call that has its place among the streams; it fails with `unavailable` when the connection has ended. */
  start(call: ClientCall, headers: OutgoingHttpHeaders): void;
  close(): void;
}

export interface PeerOptions {
  readonly clock: Clock;
  readonly garbage: Garbage;
  readonly connectMs: number;
  /** Of a peer that speaks TLS: how it is called. */
  readonly secure: SecureDial | undefined;
}

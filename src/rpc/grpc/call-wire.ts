/** How a call stands on its connection (client-call.ts). */
export interface CallWire {
  /** Stops what comes soon, and lets it come again. */
  pause(): void;
  resume(): void;
  /** Ends it from this side; does nothing once it has ended. */
  reset(): void;
  /** Its whole answer has been read, and its request has gone out, or it is over otherwise: nothing is left to reset. */
  readonly hasEnded: boolean;
}

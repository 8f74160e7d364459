/** What a node sends to servers that are none of its cluster: subscribers, and the portal of licences. */
export interface Outbound {
  /**
   * POST of `body`; resolves with the status and the text of the answer, cut to a bound. Rejects with DbError
   * `unavailable` when there was no whole answer, `timeout` past the deadline, the signal's reason when it aborts.
   */
  post(url: string, body: Uint8Array, options: PostOptions): Promise<PostAnswer>;
  /**
   * Sends each part as a datagram, in order, until the signal aborts. Rejects with `unavailable` when the host has no address or
   * refuses them.
   */
  sendDatagrams(
    address: { readonly host: string; readonly port: number },
    parts: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<void>;
  /** Ends connections that are kept. */
  close(): Promise<void>;
}

export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Of https. */
  readonly trust: TlsTrust;
}

export interface TlsTrust {
  /** False takes any certificate. */
  readonly isVerified: boolean;
  /** PEM of those that may have signed; those of the machine when left out. */
  readonly caPem?: string | undefined;
}

export interface PostAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * The way to a peer: over frames as nodes speak them with each other (decision 93), and as anybody speaks HTTP/2 with one that does
 * not, which costs another connection each time.
 */
import { refused, unreachable } from './dial-peer.ts';
import { FramedPeer } from './framed/framed-peer.ts';
import { PeerSession } from './peer-session.ts';
import type { Peer, PeerOptions } from './peer.ts';

export class MeetPeer {
  readonly #met: Promise<Peer>;
  #peer: (Pick<Peer, 'close'> & Partial<Peer>) | undefined;
  #usable: Peer | undefined;
  #isMeeting = true;
  #isClosed = false;

  constructor(address: string, options: PeerOptions) {
    this.#met = this.#meet(address, options).finally(() => {
      this.#isMeeting = false;
    });
    this.#met.catch(() => undefined);
  }

  /** The peer, once it is known, as long as a call may be made. */
  get usable(): Peer | undefined {
    return this.#usable?.isUsable === true ? this.#usable : undefined;
  }

  /** Nobody knows yet whether it is there. */
  get isMeeting(): boolean {
    return this.#isMeeting;
  }

  /** Rejects with `unavailable` when there is nobody. */
  met(): Promise<Peer> {
    return this.#met;
  }

  close(): void {
    this.#isClosed = true;
    this.#peer?.close();
  }

  async #meet(address: string, options: PeerOptions): Promise<Peer> {
    const framed = new FramedPeer(address, options);
    this.#peer = framed;
    if (await framed.met()) return (this.#usable = framed);
    if (this.#isClosed) throw unreachable(address, refused);
    const session = new PeerSession(address, options);
    this.#peer = session;
    await session.connected();
    return (this.#usable = session);
  }
}

/**
 * Whether whoever answers at a meta node's address has the secret of the cluster (`raft-dialer-auth-required`, spec F92). A
 * request shows a token, which tells the server who calls; this is the other way: before anything goes to a meta node, the log
 * and tokens among it, it answers a random number with what only one who has the secret makes of it.
 *
 * Invariants:
 * - A proof is of an address: one that was asked of the node at another is worth nothing.
 * - A proof holds while everything with that address succeeds, and for `proofMs` at most; whoever comes after a broken connection
 *   proves it anew.
 * - What is made of a number can never be part of a token: it begins with other bytes.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { DbError, errorText } from '../../base/errors.ts';
import type { Env } from '../../env/env.ts';
import type { RpcOptions, RpcTransport } from '../../env/transport.ts';
import { proveMethod, type ProofRequest } from './raft-methods.ts';

const proofMs = 5_000;
const deadlineMs = 2_000;
const nonceWords = 8;
/** More than a cluster has meta nodes. */
const addressesMax = 256;

export type PeerProofPorts = Pick<Env, 'clock' | 'random' | 'log' | 'transport'>;

/** What a node with the secret answers. */
function proofOf(secret: string, { address, nonce }: ProofRequest): Uint8Array {
  const text = `varve raft server\n${address.length} ${address}\n`;
  return createHmac('sha512', secret).update(text).update(nonce).digest();
}

/** Answers for the node at `ownAddress`. Throws `unauthenticated` where it has no secret, and for another's address. */
export function answerProof(
  request: ProofRequest,
  { secret, ownAddress }: { readonly secret: string; readonly ownAddress: string },
): { readonly proof: Uint8Array } {
  if (secret === '') throw unproven('this node has no internal-shared-secret');
  if (request.address !== ownAddress) throw unproven('this node is at another address');
  return { proof: proofOf(secret, request) };
}

/** A transport that calls none but nodes that have proved that they have the secret. */
export class PeerProofs implements Pick<RpcTransport, 'call' | 'stream'> {
  readonly #ports: PeerProofPorts;
  readonly #secret: string;
  /** When the proof of an address ends. */
  readonly #provenUntilMs = new Map<string, number>();
  readonly #asking = new Map<string, Promise<void>>();
  /** Of addresses without a proof that the log knows of. */
  readonly #told = new Set<string>();

  constructor(ports: PeerProofPorts, secret: string) {
    this.#ports = ports;
    this.#secret = secret;
  }

  async call(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): Promise<Uint8Array> {
    await this.#prove(address);
    try {
      return await this.#ports.transport.call(address, method, request, options);
    } catch (error) {
      this.#provenUntilMs.delete(address);
      throw error;
    }
  }

  async *stream(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): AsyncGenerator<Uint8Array, undefined> {
    await this.#prove(address);
    try {
      yield* this.#ports.transport.stream(address, method, request, options);
    } finally {
      this.#provenUntilMs.delete(address);
    }
    return undefined;
  }

  /** Throws `unauthenticated` for one that has not the secret, and what the transport throws for one that is not there. */
  async #prove(address: string): Promise<void> {
    if ((this.#provenUntilMs.get(address) ?? 0) > this.#ports.clock.monotonicMs()) return;
    const asking = this.#asking.get(address) ?? this.#ask(address);
    this.#asking.set(address, asking);
    try {
      await asking;
    } finally {
      this.#asking.delete(address);
    }
  }

  async #ask(address: string): Promise<void> {
    const { clock, random, transport } = this.#ports;
    const words = Uint32Array.from({ length: nonceWords }, () => random.u32());
    const request = { address, nonce: new Uint8Array(words.buffer) };
    const sent = proveMethod.request.encode(request);
    const endMs = clock.monotonicMs() + proofMs;
    let proof: Uint8Array;
    try {
      const reply = await transport.call(address, proveMethod.path, sent, { deadlineMs });
      ({ proof } = proveMethod.reply.decode(reply));
    } catch (error) {
      // One that is down is no stranger.
      if (error instanceof DbError && strangeCodes.has(error.code)) this.#refuse(address, error);
      throw error;
    }
    const expected = proofOf(this.#secret, request);
    if (proof.length !== expected.length || !timingSafeEqual(proof, expected))
      this.#refuse(address, unproven('it is made with another secret'));
    const [oldest] = this.#provenUntilMs.keys();
    if (oldest !== undefined && this.#provenUntilMs.size >= addressesMax)
      this.#provenUntilMs.delete(oldest);
    this.#provenUntilMs.set(address, endMs);
    this.#told.delete(address);
  }

  #refuse(address: string, cause: DbError): never {
    const text = `the meta node at ${address} has not proved that it has the internal-shared-secret`;
    // Raft tries again and again; who looks at the log wants it once.
    if (!this.#told.has(address) && this.#told.size < addressesMax) {
      this.#told.add(address);
      this.#ports.log.error('A meta node is not spoken to', { address, error: errorText(cause), reason: text }); // prettier-ignore
    }
    throw new DbError('unauthenticated', text, { cause });
  }
}

/** Of answers that one with the secret does not give: a node of an earlier release is among them. */
const strangeCodes: ReadonlySet<string> = new Set([
  'unauthenticated',
  'unsupported_version',
  'corrupt',
]);

function unproven(why: string): DbError {
  return new DbError('unauthenticated', `proof of the secret: ${why}`);
}

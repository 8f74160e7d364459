import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { Prng } from '../../base/prng.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { RpcOptions, RpcTransport } from '../../env/transport.ts';
import { answerProof, PeerProofs } from './peer-proofs.ts';
import { proveMethod } from './raft-methods.ts';

const [here, elsewhere, secret] = ['m2:8089', 'm3:8089', 'of nodes'];
const prove = proveMethod.path;
const options: RpcOptions = { deadlineMs: 1_000, metadata: { authorization: 'Bearer token' } };

type Answer = (request: Uint8Array) => Uint8Array;

const honest = (ownAddress: string, its: string): Answer => {
  return (request) => proveMethod.reply.encode(answerProof(proveMethod.request.decode(request), { secret: its, ownAddress })); // prettier-ignore
};
const throwing = (code: ConstructorParameters<typeof DbError>[0]): Answer => {
  return () => {
    throw new DbError(code, 'as it is');
  };
};

/** A dialer, and what is heard at the address that it calls. */
function open(answer: Answer) {
  const heard: { method: string; token: string | undefined }[] = [];
  const logged: string[] = [];
  const state = { nowMs: 0, answer, isBroken: false };
  const hear = (method: string, { metadata = {} }: RpcOptions): void => {
    heard.push({ method, token: metadata['authorization'] });
    if (state.isBroken && method !== prove) throw new DbError('outcome_unknown', 'it broke');
  };
  const transport: Pick<RpcTransport, 'call' | 'stream'> = {
    call: (_address, method, request, given) => {
      hear(method, given);
      return Promise.resolve(method === prove ? state.answer(request) : request);
    },
    async *stream(_address, method, request, given) {
      hear(method, given);
      yield request;
      await Promise.resolve();
    },
  };
  const ports = { clock: { monotonicMs: () => state.nowMs } as Clock, random: new Prng([1, 2, 3, 4]), log: { error: (text: string) => logged.push(text) } as unknown as Log, transport: transport as RpcTransport }; // prettier-ignore
  const proofs = new PeerProofs(ports, secret);
  const call = () => proofs.call(here, '/Raft/Deliver', Uint8Array.of(7), options);
  const listen = async (): Promise<number> => {
    let count = 0;
    for await (const _ of proofs.stream(here, '/Raft/Listen', Uint8Array.of(7), options))
      count += 1;
    return count;
  };
  return { call, listen, heard, logged, state, proofs };
}

test('peer proofs: a node with the secret proves it once, and again after a while or a failure', async () => {
  const { call, listen, heard, state } = open(honest(here, secret));
  const methods = () => heard.splice(0).map(({ method }) => method);
  expect(await call()).toEqual(Uint8Array.of(7));
  await call();
  expect(methods()).toEqual([prove, '/Raft/Deliver', '/Raft/Deliver']);
  state.nowMs = 5_000;
  await call();
  expect(methods()).toEqual([prove, '/Raft/Deliver']);
  state.isBroken = true;
  await expect(call()).rejects.toMatchObject({ code: 'outcome_unknown' });
  state.isBroken = false;
  methods();
  expect(await listen()).toBe(1);
  await call();
  expect(methods()).toEqual([prove, '/Raft/Listen', prove, '/Raft/Deliver']);
});

test('peer proofs: many calls at once ask once', async () => {
  const { call, heard } = open(honest(here, secret));
  await Promise.all(Array.from({ length: 50 }, call));
  expect(heard.filter(({ method }) => method === prove)).toHaveLength(1);
});

test.each<readonly [string, Answer]>([
  ['has another secret', honest(here, 'of others')],
  ['has no secret', honest(here, '')],
  ['is of an earlier release', throwing('unsupported_version')],
  ['answers with nothing', () => new Uint8Array()],
  ['answers with what it was asked', (request) => request],
  ['answers with noise', () => new Uint8Array(200).fill(0xff)],
  ['passes the question on to one at another address', honest(elsewhere, secret)],
])(
  'peer proofs: one that %s hears neither messages nor tokens, and the log says so once',
  async (_what, answer) => {
    const { call, listen, heard, logged } = open(answer);
    await expect(call()).rejects.toMatchObject({ code: 'unauthenticated', message: 'the meta node at m2:8089 has not proved that it has the internal-shared-secret' }); // prettier-ignore
    await expect(call()).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(listen()).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(heard).toEqual([1, 2, 3].map(() => ({ method: prove, token: undefined })));
    expect(logged).toEqual(['A meta node is not spoken to']);
  },
);

test('peer proofs: an answer of before is none to another question', async () => {
  const first = honest(here, secret);
  let kept: Uint8Array | undefined;
  const { call, state } = open((request) => (kept ??= first(request)));
  await call();
  state.nowMs = 10_000;
  await expect(call()).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('peer proofs: a node that is down is down, and no stranger', async () => {
  const { call, logged, state } = open(throwing('unavailable'));
  await expect(call()).rejects.toMatchObject({ code: 'unavailable' });
  expect(logged).toEqual([]);
  state.answer = honest(here, secret);
  expect(await call()).toEqual(Uint8Array.of(7));
});

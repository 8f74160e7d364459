import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import type { Message } from '../../raft/types.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { PeerSender, type PeerMessages } from './peer-sender.ts';

const beat = (round: number): Message => ({ kind: 'heartbeat', from: 1, to: 2, term: 1, commit: 0, round }); // prettier-ignore
const membership = { voters: [], learners: [] };
const snapshot: Message = { kind: 'snapshot', from: 1, to: 2, term: 1, snapshot: { index: 1, term: 1, membership, data: new Uint8Array() } }; // prettier-ignore

/** A sender whose calls wait for the test. */
function create() {
  const called: string[] = [];
  const gate = new Latch<undefined>();
  const call = async (_address: string, _method: string, body: unknown): Promise<unknown> => {
    called.push((body as PeerMessages).messages.map(nameOf).join());
    return gate.promise;
  };
  const sender = new PeerSender({ call } as unknown as RpcClient, 'm2:8089', {
    from: 'm1:8089',
    commandVersion: 1,
  });
  return { sender, called, gate };
}

function nameOf(message: Message): string {
  return message.kind === 'heartbeat' ? `${message.round}` : message.kind;
}

test('peer sender: by calls, one under way, until the peer listens; a snapshot holds nothing up', async () => {
  const { sender, called, gate } = create();
  for (const round of [1, 2, 3]) sender.send(beat(round));
  sender.send(snapshot);
  sender.send(snapshot);
  expect(called).toEqual(['1', 'snapshot']);
  const stream = sender.listen(new AbortController().signal);
  const first = await stream.next();
  expect(first.value?.messages.map(nameOf)).toEqual(['2', '3']);
  const next = stream.next();
  sender.send(beat(4));
  expect((await next).value?.messages.map(nameOf)).toEqual(['4']);
  gate.open(undefined);
  expect(called).toEqual(['1', 'snapshot']);
});

test('peer sender: a newer stream of the peer ends the older one, and a peer that goes is called again', async () => {
  const { sender, called } = create();
  const controller = new AbortController();
  const older = sender.listen(new AbortController().signal);
  const ended = older.next();
  const newer = sender.listen(controller.signal);
  const news = newer.next();
  expect((await ended).done).toBe(true);
  sender.send(beat(1));
  expect((await news).value?.messages.map(nameOf)).toEqual(['1']);
  const last = newer.next();
  controller.abort();
  expect((await last).done).toBe(true);
  sender.send(beat(2));
  expect(called).toEqual(['2']);
});

test('peer sender: for a peer that reads nothing no more than the latest messages are kept', async () => {
  const { sender } = create();
  for (let round = 0; round < 2_000; round++) sender.send(beat(round));
  const { value } = await sender.listen(new AbortController().signal).next();
  expect(value?.messages).toHaveLength(256);
  expect(value?.messages.map(nameOf).at(-1)).toBe('1999');
});

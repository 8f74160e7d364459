import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Outgoing } from './outgoing.ts';

function channel() {
  const { port1, port2 } = new MessageChannel();
  const unsent: unknown[] = [];
  const outgoing = new Outgoing<unknown>(
    (messages, transfer) => {
      port1.postMessage(messages, transfer);
    },
    (message, error) => unsent.push([message, (error as Error).name]),
  );
  const received = (): unknown[] => {
    const all: unknown[] = [];
    for (let one = receiveMessageOnPort(port2); one !== undefined; one = receiveMessageOnPort(port2)) all.push(one.message); // prettier-ignore
    return all;
  };
  const close = (): void => {
    port1.close();
  };
  return { outgoing, received, unsent, close };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('outgoing: what is said in one turn is one message, in order, with what moves', async () => {
  const { outgoing, received, close } = channel();
  const moved = new ArrayBuffer(8);
  outgoing.add('a');
  outgoing.add(moved, [moved]);
  outgoing.add(3n);
  expect(received()).toEqual([]);
  await nextTurn();
  expect(received()).toEqual([['a', new ArrayBuffer(8), 3n]]);
  expect(moved.byteLength).toBe(0);
  outgoing.add('b');
  await nextTurn();
  expect(received()).toEqual([['b']]);
  close();
});

test('outgoing: what is no plain data is told of, and the others go', async () => {
  const { outgoing, received, unsent, close } = channel();
  const bad = { run: () => undefined };
  for (const message of ['a', bad, 'b']) outgoing.add(message);
  await nextTurn();
  expect(received()).toEqual([['a'], ['b']]);
  expect(unsent).toEqual([[bad, 'DataCloneError']]);
  close();
});

test('outgoing: a flush sends at once, and nothing twice', async () => {
  const { outgoing, received, close } = channel();
  outgoing.add('a');
  outgoing.flush();
  expect(received()).toEqual([['a']]);
  await nextTurn();
  expect(received()).toEqual([]);
  close();
});

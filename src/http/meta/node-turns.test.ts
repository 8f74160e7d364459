import { expect, test } from 'vitest';
import { Latch } from '../../base/async/latch.ts';
import { NodeTurns } from './node-turns.ts';

test('node turns: what is about one node comes one after the other, what is about others meanwhile', async () => {
  const turns = new NodeTurns();
  const done: string[] = [];
  const gate = new Latch<undefined>();
  const say = (text: string) => () => Promise.resolve(done.push(text));
  const removal = turns.run(['n1:8088'], async () => {
    await gate.promise;
    done.push('removed');
  });
  const added = turns.run(['N1:8088'], say('added'));
  const moved = turns.run(['n2:8088', 'n1:8088'], say('moved'));
  const back = turns.run(['n1:8088', 'n2:8088'], say('moved back'));
  await turns.run(['n3:8088'], say('other'));
  gate.open(undefined);
  await Promise.all([removal, added, moved, back]);
  expect(done).toEqual(['other', 'removed', 'added', 'moved', 'moved back']);
});

test('node turns: one that fails lets the next go on', async () => {
  const turns = new NodeTurns();
  const failed = turns.run(['n1:8088'], () => Promise.reject(new Error('no')));
  const next = turns.run(['n1:8088'], () => Promise.resolve('next'));
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('next');
});

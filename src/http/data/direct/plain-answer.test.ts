import { expect, test } from 'vitest';
import { GoodAnswers, plainAnswer } from './plain-answer.ts';

test('plain answers: good ones that come one after the other are each as if alone, whatever they differ in', () => {
  const good = new GoodAnswers();
  const parts = {
    version: '1.12.4',
    requestId: 'a',
    more: '',
    date: 'now',
    closes: false,
    contentType: 'application/json',
  } as const;
  const changes = [{}, { requestId: '$&' }, { date: 'then' }, { closes: true }, { more: 'X: y\r\n' }, { version: '2' }, { contentType: 'text/csv' } as const]; // prettier-ignore
  for (const change of changes)
    for (const one of [parts, { ...parts, ...change }, { ...parts, ...change, requestId: 'b' }])
      expect(good.answer(one)).toEqual(plainAnswer(one, undefined));
});

import { expect, test } from 'vitest';
import { readJsonBody, type BodyShape } from './json-body.ts';

const shape: BodyShape = {
  start: { kind: 'string', place: 'Body.start' },
  everySeconds: { kind: 'number', place: 'Body.everySeconds' },
};
const read = (text: string) => readJsonBody(Buffer.from(text), { shape, type: 'Body' });

test('JSON bodies: names are taken in any case, null is none, and what nobody asks for is passed over', () => {
  expect(read('null')).toEqual({});
  expect(read('{}')).toEqual({});
  expect(read('{"start":null,"everySeconds":null}')).toEqual({});
  expect(read('{"START":"a","EverySeconds":1,"other":[]}')).toEqual({
    start: 'a',
    everySeconds: 1,
  });
  expect(read('{"start":"a","Start":"b"}')).toEqual({ start: 'b' });
  expect(read('{"start":"a","Start":null}')).toEqual({ start: 'a' });
});

test('JSON bodies: what is of another kind is told as Go does', () => {
  const wrong = 'json: cannot unmarshal number into Go struct field Body.start of type string';
  expect(() => read('{"Start":1}')).toThrow(wrong);
  expect(() => read('[]')).toThrow('json: cannot unmarshal array into Go value of type Body');
});

import { expect, test } from 'vitest';
import { StreamPlaces } from './stream-places.ts';

test('places: the next in the queue starts when one is given back; one that has left never does', () => {
  const places = new StreamPlaces(2);
  const started: string[] = [];
  const enter = (name: string) => places.enter(() => started.push(name));
  enter('a');
  enter('b');
  const leave = enter('c');
  enter('d');
  expect(started).toEqual(['a', 'b']);
  leave();
  places.release();
  expect(started).toEqual(['a', 'b', 'd']);
  places.release();
  places.release();
  enter('e');
  leave();
  expect(started).toEqual(['a', 'b', 'd', 'e']);
});

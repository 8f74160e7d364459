import { expect, test } from 'vitest';
import { StderrSink } from './stderr-sink.ts';

/** A place for lines that takes them, or fails as a disk or a pipe does. */
function placeOf() {
  const place = {
    fail: '',
    room: Number.POSITIVE_INFINITY,
    full: Infinity,
    text: '',
    writeCount: 0,
  };
  const laters: (() => void)[] = [];
  const soons: (() => void)[] = [];
  const sink = new StderrSink({
    write: (bytes, at) => {
      place.writeCount++;
      if (place.fail !== '') throw Object.assign(new Error('write'), { code: place.fail });
      const freeCount = place.full - place.text.length;
      if (freeCount <= 0) throw Object.assign(new Error('write'), { code: 'ENOSPC' });
      if (place.room <= 0) throw Object.assign(new Error('write'), { code: 'EAGAIN' });
      const part = Buffer.from(bytes.subarray(at, at + Math.min(place.room, freeCount))).toString();
      place.text += part;
      place.room -= part.length;
      return part.length;
    },
    lostLine: (count, why) => `lost ${count} ${why}\n`,
    later: (run) => laters.push(run),
    soon: (run) => soons.push(run),
  });
  const run = (list: (() => void)[]) => () => {
    for (const one of list.splice(0)) one();
  };
  return { place, sink, later: run(laters), soon: run(soons) };
}

test('stderr sink: a line of which a full disk takes a part ends before the next one begins', () => {
  const { place, sink } = placeOf();
  place.full = 6;
  sink.write('one\n');
  for (const line of ['two\n', 'three\n']) sink.write(line);
  expect(place.text).toBe('one\ntw');
  place.full = Infinity;
  sink.write('four\n');
  sink.write('five\n');
  expect(place.text).toBe('one\ntw\nlost 2 ENOSPC\nfour\nfive\n');
});

test('stderr sink: lines of a full disk are dropped, counted, and told of with the first that is written', () => {
  const { place, sink } = placeOf();
  sink.write('one\n');
  place.fail = 'ENOSPC';
  for (const line of ['two\n', 'three\n', 'four\n']) sink.write(line);
  expect(place.text).toBe('one\n');
  place.fail = '';
  sink.write('five\n');
  sink.write('six\n');
  expect(place.text).toBe('one\nlost 3 ENOSPC\nfive\nsix\n');
});

test.each(['EPIPE', 'EIO', 'EBADF', 'EFBIG', 'EDQUOT'])('stderr sink: %s stops nothing', (code) => {
  const { place, sink } = placeOf();
  place.fail = code;
  sink.write('one\n');
  sink.write('two\n');
  place.fail = '';
  sink.write('three\n');
  expect(place.text).toBe(`lost 2 ${code}\nthree\n`);
});

test('stderr sink: a slow reader gets all lines later, in order, up to a bound', () => {
  const { place, sink, later } = placeOf();
  place.room = 3;
  sink.write('first\n');
  sink.write('second\n');
  expect(place.text).toBe('fir');
  place.room = Number.POSITIVE_INFINITY;
  later();
  expect(place.text).toBe('first\nsecond\n');
  place.room = 0;
  const long = `${'x'.repeat(600_000)}\n`;
  for (let i = 0; i < 4; i++) sink.write(long);
  place.room = Number.POSITIVE_INFINITY;
  later();
  sink.write('last\n');
  expect(place.text.slice('first\nsecond\n'.length)).toBe(`${long}lost 3 a slow reader\nlast\n`);
});

test('stderr sink: lines that may wait leave together, before any that is written later', () => {
  const { place, sink, soon } = placeOf();
  for (const line of ['a\n', 'b\n', 'c\n']) sink.writeSoon(line);
  expect(place.text).toBe('');
  soon();
  expect(place).toMatchObject({ text: 'a\nb\nc\n', writeCount: 1 });
  sink.writeSoon('d\n');
  sink.write('e\n');
  soon();
  expect(place.text).toBe('a\nb\nc\nd\ne\n');
  sink.writeSoon(`${'x'.repeat(70_000)}\n`);
  expect(place.text).toHaveLength(10 + 70_001);
});

test('stderr sink: of lines that wait together each counts that could not be written', () => {
  const { place, sink, soon } = placeOf();
  place.fail = 'ENOSPC';
  for (const line of ['one\n', 'two\n', 'three\n']) sink.writeSoon(line);
  soon();
  place.fail = '';
  sink.write('four\n');
  expect(place.text).toBe('lost 3 ENOSPC\nfour\n');
});

test('stderr sink: a line longer than what is kept for a slow reader is written, and kept alone where he takes a part', () => {
  const { place, sink, later, soon } = placeOf();
  const long = `${'q'.repeat(3_000_000)}\n`;
  sink.writeSoon('one\n');
  sink.writeSoon(long);
  soon();
  expect(place.text).toBe(`one\n${long}`);
  [place.text, place.room] = ['', 10];
  sink.write(long);
  sink.write('lost\n');
  place.room = Infinity;
  later();
  sink.write('two\n');
  expect(place.text).toBe(`${long}lost 1 a slow reader\ntwo\n`);
});

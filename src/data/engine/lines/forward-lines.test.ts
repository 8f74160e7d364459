import { expect, test } from 'vitest';
import { forwardLines } from './forward-lines.ts';

const now = 1_795_713_375_597_123_456n;
const pause = () => Promise.resolve();

async function forwarded(
  body: string,
  stepNs = 1n,
): Promise<{ lines: string; ends: number[]; unprintableCount: number }> {
  const bytes = new Uint8Array(Buffer.from(body, 'latin1'));
  const { lines, ends, unprintableCount } = await forwardLines(
    { body: bytes, stepNs, defaultTimeNs: now },
    pause,
  );
  return { lines: Buffer.from(lines).toString('latin1'), ends: [...ends], unprintableCount };
}

test('forward lines: the bytes that a real 1.12.4 sent for this body', async () => {
  const body =
    'm,b=2,a=1 f=1.0,g=2i,s="a b\\"c",t=true 1\n  m2   f=1e3  5\n# c\nbad\nm\\ x,t\\,k=v\\ w f\\ g="x\ny",u=-0.50\nm f=t,f=1i 7\n';
  const { lines, ends, unprintableCount } = await forwarded(body, 1_000_000n);
  const points = [
    'm,a=1,b=2 f=1.0,g=2i,s="a b\\"c",t=true 1000000\n',
    'm2 f=1e3 5000000\n',
    'm\\ x,t\\,k=v\\ w f\\ g="x\ny",u=-0.50 1795713375597000000\n',
    'm f=t,f=1i 7000000\n',
  ];
  expect(lines).toBe(points.join(''));
  expect(ends).toEqual(points.map((_, i) => points.slice(0, i + 1).join('').length));
  expect(unprintableCount).toBe(0);
});

test('forward lines: names that cannot be printed are kept back and counted; values may be anything', async () => {
  const { lines, unprintableCount } = await forwarded(
    'm\x01 f=1 1\nm,t=\xff f=1 1\nm g\x02=1 1\nm f="\xff\x01" 1\n',
  );
  expect([lines, unprintableCount]).toEqual(['m f="\xff\x01" 1\n', 3]);
});

test('forward lines: bodies without a point, and short ones whose times are long', async () => {
  expect(await forwarded('')).toEqual({ lines: '', ends: [], unprintableCount: 0 });
  expect(await forwarded('# only words\n')).toMatchObject({ ends: [] });
  const many = Array.from({ length: 2_000 }, (_, i) => `m f=${i}`);
  const { lines } = await forwarded(many.join('\n'));
  expect(lines).toBe(many.map((line) => `${line} ${now}\n`).join(''));
});

test('forward lines: a long body lets others run', async () => {
  let pauses = 0;
  const body = new TextEncoder().encode('m f=1\n'.repeat(2_000));
  await forwardLines({ body, stepNs: 1n, defaultTimeNs: 1n }, () => {
    pauses++;
    return Promise.resolve();
  });
  expect(pauses).toBeGreaterThan(5);
});

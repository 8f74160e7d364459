import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameOf, FrameError, FrameReader, frameTypes, type FrameSink } from './frames.ts';
import { decodeHeaders, encodeHeaders } from './header-block.ts';

/** What was read, the parts of DATA put together. */
function reading(): { readonly sink: FrameSink; readonly seen: string[] } {
  const seen: string[] = [];
  let data = '';
  const sink: FrameSink = {
    frame: (type, flags, streamId, payload) => {
      seen.push(`${type} ${flags} ${streamId} ${payload.toString('hex')}`);
    },
    data: (streamId, part, isEnd) => {
      data += part.toString('hex');
      if (isEnd) seen.push(`data ${streamId} ${data}`);
      if (isEnd) data = '';
    },
  };
  return { sink, seen };
}

const anyFrame = fc.record({
  isData: fc.boolean(),
  streamId: fc.integer({ min: 0, max: 0x7f_ff_ff_ff }),
  payload: fc.uint8Array({ maxLength: 40 }),
});

test('frames: however they are cut on their way, they come as they were sent', () => {
  fc.assert(
    fc.property(fc.array(anyFrame), fc.array(fc.integer({ min: 1, max: 30 })), (frames, cuts) => {
      const sent = frames.map(({ isData, streamId, payload }) => isData ? frameOf(frameTypes.data, 1, streamId, payload) : frameOf(frameTypes.headers, 4, streamId, payload)); // prettier-ignore
      const want = frames.map(({ isData, streamId, payload }) => `${isData ? 'data' : '1 4'} ${streamId} ${Buffer.from(payload).toString('hex')}`); // prettier-ignore
      const { sink, seen } = reading();
      const reader = new FrameReader(sink);
      let left = Buffer.concat(sent);
      for (const cut of cuts) {
        reader.push(left.subarray(0, cut));
        left = left.subarray(cut);
      }
      reader.push(left);
      expect(seen).toEqual(want);
    }),
    { seed: 9301 },
  );
});

test('frames: any bytes are read, or refused as a frame', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
      const reader = new FrameReader(reading().sink);
      try {
        for (const chunk of chunks) reader.push(Buffer.from(chunk));
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
    { seed: 9301 },
  );
});

test('header blocks: headers come as they were sent; any other bytes are headers, or refused', () => {
  const name = fc.stringMatching(/^:?[a-z-]{1,12}$/);
  const value = fc.stringMatching(/^[ -~]{0,300}$/);
  fc.assert(
    fc.property(fc.dictionary(name, value), (headers) => {
      expect(decodeHeaders(encodeHeaders(headers))).toEqual({ ...headers });
    }),
    { seed: 9301 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (block) => {
      try {
        decodeHeaders(Buffer.from(block));
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
    { seed: 9301 },
  );
});

import { expect, test } from 'vitest';
import type { Clock } from '../../../src/env/clock.ts';
import type { EngineHost, EngineLink } from '../../../src/env/engine-host.ts';
import type { Run } from './harness.ts';

const code = (want: string, message: unknown = expect.anything()): unknown =>
  expect.objectContaining({ code: want, message }) as unknown;

/** The host runs createContractEngine; `logged` are the lines of its log so far. */
export interface EngineHostPorts {
  readonly engines: EngineHost;
  readonly clock: Clock;
  readonly logged: () => readonly string[];
}

export function engineHostContract(name: string, run: Run<EngineHostPorts>): void {
  const withLink = (
    body: (link: EngineLink, ports: EngineHostPorts) => Promise<void>,
  ): Promise<void> =>
    run(async (ports) => {
      const link = await ports.engines.spawn({ index: 1, count: 2, options: { size: 5n } });
      await body(link, ports);
      await link.close();
    });

  test(`${name}: the engine gets its settings, requests and plain data`, () =>
    withLink(async (link) => {
      expect(await link.call('settings', 0)).toEqual({ index: 1, count: 2, options: { size: 5n } });
      const body = { list: [1, 'two', 3n], bytes: Uint8Array.of(1, 2), nothing: undefined };
      expect(await link.call('echo', body)).toEqual(body);
      expect(body.bytes.length).toBe(2);
    }));

  test(`${name}: engines that were prepared are those that are spawned, and more as they are asked for`, () =>
    run(async ({ engines }) => {
      engines.prepare(2);
      const numbers = [0, 1, 2];
      const links = await Promise.all(numbers.map((index) => engines.spawn({ index, count: 3, options: index }))); // prettier-ignore
      const settings = await Promise.all(links.map((link) => link.call('settings', 0)));
      expect(settings).toEqual(numbers.map((index) => ({ index, count: 3, options: index })));
      for (const link of links) await link.close();
    }));

  test(`${name}: messages arrive in the order they were sent`, () =>
    withLink(async (link) => {
      const labels = Array.from({ length: 50 }, (_, index) => `m${index}`);
      await Promise.all(labels.map((label) => link.call('note', label)));
      expect(await link.call('note', 'last')).toEqual([...labels, 'last']);
    }));

  test(`${name}: transferred buffers change hands`, () =>
    withLink(async (link) => {
      const values = Float64Array.of(1, 2.5);
      const reply = await link.call('double', values, { transfer: [values.buffer] });
      expect(reply).toEqual(Float64Array.of(2, 5));
      expect(values.length).toBe(0);
    }));

  test(`${name}: an error of the engine keeps code and text; a bug is internal`, () =>
    withLink(async (link) => {
      await expect(link.call('refuse', 'the text')).rejects.toEqual(
        code('field_type_conflict', 'the text'),
      );
      await expect(link.call('bug', 0)).rejects.toEqual(code('internal', 'a bug'));
      expect(await link.call('echo', 'alive')).toBe('alive');
      await expect(link.call('echo', () => 0)).rejects.toThrow();
      expect(await link.call('echo', 'alive')).toBe('alive');
    }));

  test(`${name}: a stream gives all replies in order, then its end or its error`, () =>
    withLink(async (link) => {
      // One that says which reply is the last is no different.
      for (const kind of ['count', 'marked']) {
        const got: unknown[] = [];
        for await (const item of link.stream(kind, 100)) got.push(item);
        expect(got).toEqual(Array.from({ length: 100 }, (_, index) => index));
      }
      const before: unknown[] = [];
      const broken = async (): Promise<void> => {
        for await (const item of link.stream('broken', 3)) before.push(item);
      };
      await expect(broken()).rejects.toEqual(code('corrupt', 'in the middle'));
      expect(before).toEqual([0, 1, 2]);
    }));

  test(`${name}: a stream runs only a few replies ahead and ends when left`, () =>
    withLink(async (link, { clock }) => {
      let taken = 0;
      for await (const _item of link.stream('count', 10_000)) {
        expect(link.streamsActive).toBe(1);
        await clock.sleep(20);
        if (++taken === 3) break;
      }
      const { made } = (await link.call('counts', 0)) as { made: number };
      expect(made).toBeLessThan(12);
      await clock.sleep(20);
      expect(await link.call('counts', 0)).toEqual(expect.objectContaining({ made: made }));
      expect(link.streamsActive).toBe(0);
    }));

  test(`${name}: a stream that waits hears that it is left`, () =>
    withLink(async (link, { clock }) => {
      const controller = new AbortController();
      const next = link.stream('waiting', 0, { signal: controller.signal })[Symbol.asyncIterator]().next(); // prettier-ignore
      await clock.sleep(20);
      expect(link.streamsActive).toBe(1);
      controller.abort();
      await expect(next).rejects.toEqual(code('cancelled'));
      await clock.sleep(20);
      expect(link.streamsActive).toBe(0);
    }));

  test(`${name}: a stream runs as far ahead as it is told to`, () =>
    withLink(async (link, { clock }) => {
      const made = async () => ((await link.call('counts', 0)) as { made: number }).made;
      for await (const _item of link.stream('count', 10_000, { aheadMax: 20 })) {
        while ((await made()) < 20) await clock.sleep(1);
        await clock.sleep(20);
        break;
      }
      expect(await made()).toBeLessThan(28);
    }));

  test(`${name}: an abort rejects the caller at once and reaches the busy engine`, () =>
    withLink(async (link, { clock }) => {
      const controller = new AbortController();
      const spinning = link.call('spin', 0, { signal: controller.signal });
      clock.after(10, () => {
        controller.abort();
      });
      await expect(spinning).rejects.toEqual(code('cancelled'));
      await clock.sleep(50);
      expect(await link.call('counts', 0)).toEqual({ made: 0, cancelSeen: 1 });
      await expect(link.call('echo', 1, { signal: controller.signal })).rejects.toEqual(
        code('cancelled'),
      );
      const reading = async (): Promise<void> => {
        const second = new AbortController();
        for await (const item of link.stream('count', 10_000, { signal: second.signal })) {
          if (item === 2) second.abort();
        }
      };
      await expect(reading()).rejects.toEqual(code('cancelled'));
    }));

  test(`${name}: the engine's log lines come out with its service`, () =>
    withLink(async (link, { logged }) => {
      await link.call('log', 'from the engine');
      expect(logged().some((line) => /from the engine.* count=3/.test(line))).toBe(true);
    }));

  test(`${name}: close lets taken requests finish; later ones are refused`, () =>
    run(async ({ engines }) => {
      const link = await engines.spawn({ index: 0, count: 1, options: 0 });
      const taken = link.call('note', 'taken');
      const closed = link.close();
      await expect(link.call('echo', 0)).rejects.toEqual(code('shutdown'));
      expect(await taken).toEqual(['taken']);
      await closed;
      expect(await link.died).toBe(undefined);
      await link.close();
    }));

  test(`${name}: an engine that does not start rejects spawn with its error`, () =>
    run(async ({ engines }) => {
      await expect(engines.spawn({ index: 0, count: 1, options: 'fail' })).rejects.toEqual(
        code('corrupt', 'does not start'),
      );
    }));
}

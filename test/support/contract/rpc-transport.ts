import { expect, test } from 'vitest';
import { DbError } from '../../../src/base/errors.ts';
import type { Clock } from '../../../src/env/clock.ts';
import type { RpcHandlers, RpcMetadata, RpcTransport } from '../../../src/env/transport.ts';
import type { Run } from './harness.ts';

const bytes = (from: string): Uint8Array => new TextEncoder().encode(from);
const text = (from: Uint8Array): string => new TextDecoder().decode(from);
const code = (want: string, message: unknown = expect.anything()): unknown =>
  expect.objectContaining({ code: want, message }) as unknown;
const streams: readonly string[] = ['/test/count', '/test/broken', '/test/big', '/test/silent'];
const slow = { deadlineMs: 20_000 };

/** Two nodes: `server` listens at `address` (port 0 when `address` ends so), `client` calls. */
export interface TransportPorts {
  readonly server: RpcTransport;
  readonly client: RpcTransport;
  readonly clock: Clock;
  readonly address: string;
  readonly httpGet: (
    address: string,
    path: string,
  ) => Promise<{ readonly status: number; readonly contentType: string; readonly body: string }>;
}

interface Seen {
  readonly aborted: string[];
  readonly metadata: RpcMetadata[];
  made: number;
  active: number;
}

function createHandlers(clock: Clock): { readonly handlers: RpcHandlers; readonly seen: Seen } {
  const seen: Seen = { aborted: [], metadata: [], made: 0, active: 0 };
  const handlers: RpcHandlers = {
    admit(method, metadata) {
      seen.metadata.push(metadata);
      if (method === '/test/forbidden') throw new DbError('unauthenticated', 'not you');
      const isStream = streams.includes(method);
      const isLent = method === '/test/lent';
      return { kind: isStream ? 'stream' : 'call', requestBytesMax: 10_000_000, isLent, isTrusted: true }; // prettier-ignore
    },
    async call(method, request, { signal }) {
      seen.active++;
      switch (method) {
        case '/test/echo':
          return request;
        case '/test/lent': {
          const asked = request.slice();
          await clock.sleep(1);
          return Buffer.compare(asked, request) === 0 ? asked : bytes('it has changed');
        }
        case '/test/later':
          await clock.sleep(Number(text(request)));
          return bytes('done');
        case '/test/refuse':
          throw new DbError('partial_write', 'partial write: \u00e9 \u4e2d "x"\n dropped=1');
        case '/test/long':
          throw new DbError('invalid_argument', 'e'.repeat(9000));
        case '/test/bug':
          throw new TypeError('a bug');
        case '/test/hang':
          await new Promise((resolve) => {
            signal.addEventListener('abort', resolve);
          });
          seen.aborted.push(text(request));
          throw new DbError('cancelled', 'noticed');
        default:
          return new Uint8Array(0);
      }
    },
    async *stream(method, request, { signal }) {
      signal.addEventListener('abort', () => seen.aborted.push(method));
      try {
        for (let index = 0; index < Number(text(request)); index++) {
          seen.made++;
          if (method === '/test/big') yield new Uint8Array(5_000_000).fill(index);
          else yield bytes(String(index));
          if (method === '/test/silent') await clock.sleep(5_000, signal);
        }
        if (method === '/test/broken') throw new DbError('corrupt', 'in the middle');
      } finally {
        seen.aborted.push(`left ${method}`);
      }
    },
    httpGet: (path) =>
      path === '/status' ? { contentType: 'application/json', body: '{"ok":true}' } : undefined,
  };
  return { handlers, seen };
}

export function rpcTransportContract(name: string, run: Run<TransportPorts>): void {
  const served = (
    body: (ports: TransportPorts & { readonly at: string; readonly seen: Seen }) => Promise<void>,
  ): Promise<void> =>
    run(async (ports) => {
      const { handlers, seen } = createHandlers(ports.clock);
      const listener = await ports.server.listen(ports.address, handlers);
      await body({ ...ports, at: listener.address, seen });
      await listener.close();
    });

  callContract(name, served);
  admitContract(name, served);
  cancelContract(name, served);
  streamContract(name, served);
  listenContract(name, run);
}

type Served = (
  body: (ports: TransportPorts & { readonly at: string; readonly seen: Seen }) => Promise<void>,
) => Promise<void>;

function callContract(name: string, served: Served): void {
  test(`${name}: a call gives the handler's reply`, () =>
    served(async ({ client, at }) => {
      expect(text(await client.call(at, '/test/echo', bytes('hello'), slow))).toBe('hello');
      expect((await client.call(at, '/test/echo', new Uint8Array(0), slow)).length).toBe(0);
      const many = Array.from({ length: 50 }, (_, index) => String(index));
      const got = await Promise.all(many.map((m) => client.call(at, '/test/echo', bytes(m), slow)));
      expect(got.map(text)).toEqual(many);
    }));

  test(`${name}: messages larger than a chunk pass whole`, () =>
    served(async ({ client, at }) => {
      for (const length of [1_048_575, 1_048_576, 1_048_577, 9_000_001]) {
        const request = new Uint8Array(length);
        for (let index = 0; index < length; index += 997) request[index] = index % 251;
        const reply = await client.call(at, '/test/echo', request, slow);
        expect(Buffer.compare(reply, request)).toBe(0);
      }
    }));

  test(`${name}: a request that is lent stays as it is until it is answered, and its sender is told when it is sent`, () =>
    served(async ({ client, at }) => {
      const send = async (fill: number): Promise<void> => {
        const request = new Uint8Array(100_000 + fill).fill(fill);
        const want = request.slice();
        const onSent = (): void => {
          request.fill(255);
        };
        const reply = await client.call(at, '/test/lent', request, { ...slow, onSent });
        expect(Buffer.compare(reply, want)).toBe(0);
        expect(request[0]).toBe(255);
      };
      for (let round = 0; round < 3; round++)
        await Promise.all(Array.from({ length: 20 }, (_, i) => send(i)));
    }));

  test(`${name}: an error of the handler keeps code and text; a bug is internal`, () =>
    served(async ({ client, at }) => {
      await expect(client.call(at, '/test/refuse', bytes(''), slow)).rejects.toEqual(
        code('partial_write', 'partial write: \u00e9 \u4e2d "x"\n dropped=1'),
      );
      await expect(client.call(at, '/test/long', bytes(''), slow)).rejects.toEqual(
        code('invalid_argument', 'e'.repeat(9000)),
      );
      await expect(client.call(at, '/test/bug', bytes(''), slow)).rejects.toEqual(
        code('internal', 'a bug'),
      );
    }));
}

function admitContract(name: string, served: Served): void {
  test(`${name}: metadata comes with a request, and who is not admitted reaches no handler`, () =>
    served(async ({ client, at, seen }) => {
      const options = { ...slow, metadata: { 'varve-cluster': '42' } };
      await client.call(at, '/test/echo', bytes(''), options);
      expect(seen.metadata.at(-1)).toMatchObject({ 'varve-cluster': '42' });
      const { active } = seen;
      const large = new Uint8Array(5_000_000);
      await expect(client.call(at, '/test/forbidden', large, options)).rejects.toEqual(
        code('unauthenticated', 'not you'),
      );
      const reading = async (): Promise<void> => {
        for await (const _item of client.stream(at, '/test/forbidden', large, slow)) expect.fail();
      };
      await expect(reading()).rejects.toEqual(code('unauthenticated', 'not you'));
      expect(seen.active).toBe(active);
      expect(text(await client.call(at, '/test/echo', bytes('x'), options))).toBe('x');
    }));
}

function cancelContract(name: string, served: Served): void {
  test(`${name}: past its deadline a call times out and its handler is told`, () =>
    served(async ({ client, clock, at, seen }) => {
      const startMs = clock.monotonicMs();
      await expect(client.call(at, '/test/hang', bytes('d'), { deadlineMs: 150 })).rejects.toEqual(
        code('timeout'),
      );
      expect(clock.monotonicMs() - startMs).toBeLessThan(1500);
      await clock.sleep(100);
      expect(seen.aborted).toEqual(['d']);
    }));

  test(`${name}: an abort cancels the call and its handler`, () =>
    served(async ({ client, clock, at, seen }) => {
      const controller = new AbortController();
      clock.after(100, () => {
        controller.abort();
      });
      const { signal } = controller;
      await expect(client.call(at, '/test/hang', bytes('a'), { ...slow, signal })).rejects.toEqual(
        code('cancelled'),
      );
      await expect(client.call(at, '/test/echo', bytes('a'), { ...slow, signal })).rejects.toEqual(
        code('cancelled'),
      );
      await clock.sleep(100);
      expect(seen.aborted).toEqual(['a']);
    }));

  test(`${name}: a handler that has answered is told nothing`, () =>
    served(async ({ client, clock, at, seen }) => {
      const controller = new AbortController();
      const { signal } = controller;
      expect(text(await client.call(at, '/test/later', bytes('5'), { ...slow, signal }))).toBe(
        'done',
      );
      controller.abort();
      await clock.sleep(30);
      expect(seen.aborted).toEqual([]);
    }));
}

function streamContract(name: string, served: Served): void {
  test(`${name}: a stream gives all replies in order, then its end or its error`, () =>
    served(async ({ client, at }) => {
      const got: string[] = [];
      for await (const item of client.stream(at, '/test/count', bytes('200'), slow))
        got.push(text(item));
      expect(got).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
      for await (const _item of client.stream(at, '/test/count', bytes('0'), slow)) expect.fail();
      const before: string[] = [];
      const broken = async (): Promise<void> => {
        for await (const item of client.stream(at, '/test/broken', bytes('3'), slow)) {
          before.push(text(item));
        }
      };
      await expect(broken()).rejects.toEqual(code('corrupt', 'in the middle'));
      expect(before).toEqual(['0', '1', '2']);
    }));

  test(`${name}: a slow reader holds the handler back; leaving ends it`, () =>
    served(async ({ client, clock, at, seen }) => {
      let taken = 0;
      for await (const item of client.stream(at, '/test/big', bytes('100'), slow)) {
        expect(item.length).toBe(5_000_000);
        expect(item[4_999_999]).toBe(taken);
        await clock.sleep(20);
        if (++taken === 3) break;
      }
      expect(seen.made).toBeLessThan(25);
      await clock.sleep(300);
      expect(seen.aborted).toContain('left /test/big');
    }));

  test(`${name}: silence longer than the deadline ends a stream`, () =>
    served(async ({ client, clock, at, seen }) => {
      const got: string[] = [];
      const reading = async (): Promise<void> => {
        const options = { deadlineMs: 200 };
        for await (const item of client.stream(at, '/test/silent', bytes('9'), options)) {
          got.push(text(item));
        }
      };
      await expect(reading()).rejects.toEqual(code('timeout'));
      expect(got).toEqual(['0']);
      await clock.sleep(100);
      expect(seen.aborted).toEqual(['/test/silent', 'left /test/silent']);
    }));

  test(`${name}: an abort ends a stream on both sides`, () =>
    served(async ({ client, clock, at, seen }) => {
      const controller = new AbortController();
      clock.after(50, () => {
        controller.abort();
      });
      const reading = async (): Promise<void> => {
        const options = { ...slow, signal: controller.signal };
        for await (const item of client.stream(at, '/test/silent', bytes('9'), options)) {
          expect(text(item)).toBe('0');
        }
      };
      await expect(reading()).rejects.toEqual(code('cancelled'));
      await clock.sleep(100);
      expect(seen.aborted).toEqual(['/test/silent', 'left /test/silent']);
    }));
}

function listenContract(name: string, run: Run<TransportPorts>): void {
  test(`${name}: an address is taken once`, () =>
    run(async ({ server, clock, address }) => {
      const { handlers } = createHandlers(clock);
      const listener = await server.listen(address, handlers);
      await expect(server.listen(listener.address, handlers)).rejects.toEqual(code('conflict'));
      await listener.close();
      await (await server.listen(listener.address, handlers)).close();
    }));

  test(`${name}: where nobody listens calls are unavailable at once`, () =>
    run(async ({ server, client, clock, address }) => {
      const { handlers } = createHandlers(clock);
      const listener = await server.listen(address, handlers);
      const at = listener.address;
      await client.call(at, '/test/echo', bytes(''), slow);
      await listener.close();
      const startMs = clock.monotonicMs();
      await expect(client.call(at, '/test/echo', bytes(''), slow)).rejects.toEqual(
        code('unavailable'),
      );
      const reading = async (): Promise<void> => {
        for await (const _item of client.stream(at, '/test/count', bytes('1'), slow)) expect.fail();
      };
      await expect(reading()).rejects.toEqual(code('unavailable'));
      expect(clock.monotonicMs() - startMs).toBeLessThan(5000);
    }));

  test(`${name}: the outcome of what was under way at a close is unknown`, () =>
    run(async ({ server, client, clock, address }) => {
      const { handlers, seen } = createHandlers(clock);
      const listener = await server.listen(address, handlers);
      const hanging = client.call(listener.address, '/test/later', bytes('60000'), slow);
      const outcome = expect(hanging).rejects.toEqual(code('outcome_unknown'));
      while (seen.active === 0) await clock.sleep(5);
      await listener.close();
      await outcome;
    }));

  test(`${name}: a peer that comes back is found again`, () =>
    run(async ({ server, client, clock, address }) => {
      const { handlers } = createHandlers(clock);
      const first = await server.listen(address, handlers);
      await client.call(first.address, '/test/echo', bytes(''), slow);
      await first.close();
      await expect(client.call(first.address, '/test/echo', bytes(''), slow)).rejects.toThrow();
      const second = await server.listen(first.address, handlers);
      const startMs = clock.monotonicMs();
      for (;;) {
        try {
          await client.call(first.address, '/test/echo', bytes(''), slow);
          break;
        } catch (error) {
          expect(error).toEqual(code('unavailable'));
          await clock.sleep(20);
        }
      }
      expect(clock.monotonicMs() - startMs).toBeLessThan(3000);
      await second.close();
    }));

  test(`${name}: plain HTTP GET is answered on the same port`, () =>
    run(async ({ server, client, clock, address, httpGet }) => {
      const { handlers } = createHandlers(clock);
      const listener = await server.listen(address, handlers);
      const got = await httpGet(listener.address, '/status');
      expect(got).toEqual({ status: 200, contentType: 'application/json', body: '{"ok":true}' });
      expect((await httpGet(listener.address, '/other')).status).toBe(404);
      expect(text(await client.call(listener.address, '/test/echo', bytes('x'), slow))).toBe('x');
      await listener.close();
    }));
}

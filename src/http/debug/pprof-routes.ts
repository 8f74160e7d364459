import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorText, isDbError } from '../../base/errors.ts';
import { secondMs } from '../../base/units.ts';
import type { Clock } from '../../env/clock.ts';
import type { Profiler } from '../../env/profiler.ts';
import { contentionTypes, cpuSamples, cpuTypes, encodeProfile, heapSamples, heapTypes, threadSamples, threadTypes } from './pprof.ts'; // prettier-ignore
import { sendPlain } from '../error-reply.ts';
import { tarOf } from './tar.ts';
import { traceEvents } from './trace-events.ts';

export interface PprofPorts {
  readonly clock: Clock;
  readonly profiler: Profiler;
  readonly commandLine: readonly string[];
}

const cpuMsDefault = 30 * secondMs;
/** Memory that was given out before sampling began is not seen: so long it is looked at, unless asked otherwise. */
const heapMsDefault = 5 * secondMs;
const traceMsDefault = secondMs;
/** Long enough for every thread to say that it is there. */
const threadsMs = 50;
const durationMsMax = 600 * secondMs;
/** Of `all`, as in the reference. */
const allMsMax = 45 * secondMs;

const descriptions = {
  allocs: 'Memory given out while it is looked at (seconds, 5 by default), by where',
  block: 'Empty: no thread waits for another one here',
  cmdline: 'The command line of this process',
  goroutine: 'What the main thread waits for, each as often as there is one',
  heap: 'The same as allocs: what is still held of it',
  mutex: 'Empty: there are no locks between threads here',
  profile:
    'CPU profile of all threads; seconds is its duration, 30 by default. Open it with go tool pprof.',
  symbol: 'Names are in the profiles',
  threadcreate: 'Threads, each once',
  trace:
    'What the threads did one after the other; seconds is its duration, 1 by default. Open it with ui.perfetto.dev.',
} as const;

/** /debug/pprof of both daemons (spec F106, F107): profiles that `go tool pprof` opens. */
export function addPprof(api: FastifyInstance, ports: PprofPorts): void {
  const shown = (handler: Handler) => async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      return await handler(request, reply, ports);
    } catch (error) {
      if (!isDbError(error, 'conflict')) throw error;
      return sendPlain(reply.header('X-Go-Pprof', '1'), 500, errorText(error));
    }
  };
  const sendIndex = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.type('text/html; charset=utf-8').send(index());
  api.get('/debug/pprof/', sendIndex);
  // Where slashes at the end are passed over anyway it is there by now.
  if (!api.hasRoute({ method: 'GET', url: '/debug/pprof' })) api.get('/debug/pprof', sendIndex);
  for (const [name, handler] of Object.entries(handlers))
    api.get(`/debug/pprof/${name}`, shown(handler));
}

type Handler = (
  request: FastifyRequest,
  reply: FastifyReply,
  ports: PprofPorts,
) => Promise<unknown>;

const handlers: Readonly<Record<string, Handler>> = {
  profile: async (request, reply, ports) =>
    sendFile(
      reply,
      'profile',
      await cpuProfile(ports, durationOf(request, cpuMsDefault), gone(reply)),
    ),
  heap: (request, reply, ports) => sendHeap(request, reply, ports),
  allocs: (request, reply, ports) => sendHeap(request, reply, ports),
  goroutine: (_request, reply, ports) => sendText(reply, waitingText(ports)),
  block: (_request, reply, ports) => sendContention(reply, 'block', ports),
  mutex: (_request, reply, ports) => sendContention(reply, 'mutex', ports),
  threadcreate: async (_request, reply, { clock, profiler }) => {
    const timeNs = clock.wallNs();
    const samples = threadSamples(await profiler.cpu(threadsMs, gone(reply)));
    const facts = { timeNs, durationNs: 0n, types: threadTypes };
    return sendFile(reply, 'threadcreate', gzipSync(encodeProfile(samples, facts)));
  },
  // What tools ask of Go's addresses: there is no other symbol than those that profiles carry.
  symbol: (_request, reply) => sendText(reply, 'num_symbols: 1\n'),
  trace: async (request, reply, { profiler }) => {
    const threads = await profiler.cpu(durationOf(request, traceMsDefault), gone(reply));
    return sendFile(reply, 'trace.json', Buffer.from(traceEvents(threads)));
  },
  cmdline: (_request, reply, { commandLine }) => sendText(reply, commandLine.join('\0')),
  all: async (request, reply, ports) => {
    const asked = parameterOf(request, 'cpu');
    const cpuMs = asked === undefined ? 0 : Math.min(allMsMax, secondsOf(asked.replace(/s$/, '')) ?? cpuMsDefault); // prettier-ignore
    const signal = gone(reply);
    const files = [
      ...(cpuMs > 0 ? [{ name: 'cpu.pb.gz', bytes: await cpuProfile(ports, cpuMs, signal) }] : []),
      { name: 'heap.pb.gz', bytes: await heapProfile(ports, heapMsDefault, signal) },
      { name: 'goroutine.txt', bytes: Buffer.from(waitingText(ports)) },
      { name: 'cmdline.txt', bytes: Buffer.from(ports.commandLine.join(' ')) },
    ];
    const seconds = Number(ports.clock.wallNs() / 1_000_000_000n);
    return sendFile(reply, 'profiles.tar.gz', gzipSync(tarOf(files, seconds)));
  },
};

async function sendContention(
  reply: FastifyReply,
  name: string,
  { clock }: PprofPorts,
): Promise<unknown> {
  const facts = { timeNs: clock.wallNs(), durationNs: 0n, types: contentionTypes };
  return sendFile(reply, name, gzipSync(encodeProfile([], facts)));
}

async function sendHeap(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: PprofPorts,
): Promise<unknown> {
  const bytes = await heapProfile(ports, durationOf(request, heapMsDefault), gone(reply));
  return sendFile(reply, 'heap', bytes);
}

async function cpuProfile(
  { clock, profiler }: PprofPorts,
  durationMs: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const timeNs = clock.wallNs();
  const samples = cpuSamples(await profiler.cpu(durationMs, signal));
  const durationNs = clock.wallNs() - timeNs;
  return gzipSync(encodeProfile(samples, { timeNs, durationNs, types: cpuTypes }));
}

async function heapProfile(
  { clock, profiler }: PprofPorts,
  durationMs: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const timeNs = clock.wallNs();
  const samples = heapSamples(await profiler.heap(durationMs, signal));
  return gzipSync(encodeProfile(samples, { timeNs, durationNs: 0n, types: heapTypes }));
}

/** In the form of Go's list: a number, and of what. */
function waitingText({ profiler }: PprofPorts): string {
  const counts = new Map<string, number>();
  const all = profiler.waiting();
  for (const name of all) counts.set(name, (counts.get(name) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  const lines = sorted.map(([name, count]) => `${count} @ ${name}\n`);
  return `goroutine profile: total ${all.length}\n${lines.join('')}`;
}

function parameterOf({ url }: FastifyRequest, name: string): string | undefined {
  return new URLSearchParams(url.split('?')[1]).get(name) ?? undefined;
}

function durationOf(request: FastifyRequest, msDefault: number): number {
  const asked = parameterOf(request, 'seconds') ?? '';
  return Math.min(durationMsMax, secondsOf(asked) ?? msDefault);
}

/** Milliseconds; undefined for what is no duration, as Go takes its default then. */
function secondsOf(text: string): number | undefined {
  const seconds = Number(text);
  return text !== '' && seconds > 0 ? seconds * secondMs : undefined;
}

/** Aborts when nobody waits for the profile any more. */
function gone(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client is gone'));
  });
  return controller.signal;
}

async function sendText(reply: FastifyReply, text: string): Promise<unknown> {
  return reply.type('text/plain; charset=utf-8').send(text);
}

function sendFile(reply: FastifyReply, name: string, bytes: Uint8Array): FastifyReply {
  return reply
    .header('Content-Disposition', `attachment; filename="${name}"`)
    .header('X-Content-Type-Options', 'nosniff')
    .type('application/octet-stream')
    .send(Buffer.from(bytes));
}

function index(): string {
  const rows = Object.entries(descriptions).map(
    ([name, text]) => `<tr><td><a href='${name}'>${name}</a></td><td>${text}</td></tr>`,
  );
  return `<html>\n<head>\n<title>/debug/pprof/</title>\n</head>\n<body>\n/debug/pprof/\n<br>\nTypes of profiles available:\n<table>\n${rows.join('\n')}\n</table>\n</body>\n</html>\n`;
}

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorText, isDbError } from '../../base/errors.ts';
import { secondMs } from '../../base/units.ts';
import { sendPlain } from '../error-reply.ts';
import { goroutineSamples } from './goroutines.ts';
import { heapSamples, threadSamples } from './pprof.ts';
import { archiveOptions, profileArchive } from './profile-archive.ts';
import { contentionProfile, cpuProfile, goroutineProfile, heapProfile, threadProfile, type ProfilePorts } from './profile-files.ts'; // prettier-ignore
import { contentionText, countedText, goroutineDump, heapText } from './profile-texts.ts';
import { traceEvents } from './trace-events.ts';

const cpuMsDefault = 30 * secondMs;
/** Memory that was given out before sampling began is not seen: so long it is looked at, unless asked otherwise. */
const heapMsDefault = 5 * secondMs;
const traceMsDefault = secondMs;
const durationMsMax = 600 * secondMs;

const descriptions = {
  allocs: 'Memory given to threads while it is looked at (seconds, 5 by default), by where',
  block: 'Empty: no thread waits for another one here',
  cmdline: 'The command line of this process',
  goroutine:
    'Threads where they are, requests that are not answered yet, and what the main thread waits for; a list with debug=1, each by itself with debug=2',
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
export function addPprof(api: FastifyInstance, ports: ProfilePorts): void {
  const shown = (handler: Handler) => async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      return await handler(request, reply, ports);
    } catch (error) {
      if (isDbError(error, 'invalid_argument')) return sendPlain(reply, 400, error.message);
      if (!isDbError(error, 'conflict')) throw error;
      return sendPlain(reply.header('X-Go-Pprof', '1'), 500, errorText(error));
    }
  };
  const sendIndex = (_request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    reply.type('text/html; charset=utf-8').send(index());
  // As in Go whatever the method is.
  const answer = (url: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown) =>
    api.route({ method: methods, url, exposeHeadRoute: false, handler }); // prettier-ignore
  answer('/debug/pprof/', sendIndex);
  // Where slashes at the end are passed over anyway it is there by now.
  if (!api.hasRoute({ method: 'GET', url: '/debug/pprof' })) answer('/debug/pprof', sendIndex);
  for (const [name, handler] of Object.entries(handlers))
    answer(`/debug/pprof/${name}`, shown(handler));
  // What tools ask, and tell, of Go's addresses: there is no other symbol than those that profiles carry.
  answer('/debug/pprof/symbol', (_request, reply) => sendText(reply, 'num_symbols: 1\n'));
  answer('/debug/pprof/*', (_request, reply) =>
    sendPlain(reply.header('X-Go-Pprof', '1'), 404, 'Unknown profile'),
  );
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

type Handler = (
  request: FastifyRequest,
  reply: FastifyReply,
  ports: ProfilePorts,
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
  goroutine: async (request, reply, ports) => {
    const level = textLevelOf(request);
    if (level === 0)
      return sendFile(reply, 'goroutine', await goroutineProfile(ports, gone(reply)));
    const samples = await goroutineSamples(ports, gone(reply));
    return sendText(reply, level > 1 ? goroutineDump(samples) : countedText('goroutine', samples));
  },
  block: async (request, reply, ports) => {
    if (textLevelOf(request) > 0) return sendText(reply, contentionText('contention'));
    return sendFile(reply, 'block', contentionProfile(ports));
  },
  mutex: async (request, reply, ports) => {
    if (textLevelOf(request) > 0) return sendText(reply, contentionText('mutex'));
    return sendFile(reply, 'mutex', contentionProfile(ports));
  },
  threadcreate: async (request, reply, ports) => {
    const signal = gone(reply);
    if (textLevelOf(request) === 0)
      return sendFile(reply, 'threadcreate', await threadProfile(ports, signal));
    const samples = threadSamples(await ports.profiler.threads(signal));
    return sendText(reply, countedText('threadcreate', samples));
  },
  trace: async (request, reply, { profiler }) => {
    const threads = await profiler.cpu(durationOf(request, traceMsDefault), gone(reply));
    return sendFile(reply, 'trace.json', Buffer.from(traceEvents(threads)));
  },
  cmdline: (_request, reply, { commandLine }) => sendText(reply, commandLine.join('\0')),
  all: async (request, reply, ports) => {
    const options = archiveOptions(parametersOf(request), heapMsDefault);
    const archive = await profileArchive(ports, options, gone(reply));
    return sendFile(reply, 'profiles.tar.gz', archive);
  },
};

async function sendHeap(
  request: FastifyRequest,
  reply: FastifyReply,
  ports: ProfilePorts,
): Promise<unknown> {
  const isAll = request.url.startsWith('/debug/pprof/allocs');
  const options = { durationMs: durationOf(request, heapMsDefault), isAll };
  const signal = gone(reply);
  if (textLevelOf(request) > 0)
    return sendText(reply, heapText(heapSamples(await ports.profiler.heap(options, signal))));
  return sendFile(reply, isAll ? 'allocs' : 'heap', await heapProfile(ports, options, signal));
}

/** `debug`: 0 is a profile for the tool. */
function textLevelOf(request: FastifyRequest): number {
  const level = Number(parameterOf(request, 'debug') ?? 0);
  return Number.isInteger(level) && level > 0 ? level : 0;
}

function parametersOf({ url }: FastifyRequest): URLSearchParams {
  return new URLSearchParams(url.split('?')[1]);
}

function parameterOf(request: FastifyRequest, name: string): string | undefined {
  return parametersOf(request).get(name) ?? undefined;
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

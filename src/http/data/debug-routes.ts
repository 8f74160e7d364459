import { Buffer } from 'node:buffer';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { stringifyWellFormed } from '../../base/well-formed-json.ts';
import { printPrometheus, prometheusType } from '../../telemetry/prometheus.ts';
import { byVarsKey, type Statistic } from '../../telemetry/statistics.ts';
import { sendStarted } from './answers/send-answer.ts';
import { takesGzip } from './answers/zip-answer.ts';
import type { DataApiPorts } from './data-api-options.ts';

type Ports = Pick<DataApiPorts, 'statistics' | 'vars'>;

/** /debug/vars (spec 4.6): what the node is, then a key for each statistic; `cq` has its values alone, as in the reference. */
export async function sendVars(reply: FastifyReply, { statistics, vars }: Ports): Promise<unknown> {
  const all: Record<string, unknown> = { ...vars() };
  for (const [key, statistic] of byVarsKey(await statistics.read()))
    all[key] = statistic.name === 'cq' ? statistic.values : shown(statistic);
  const members = Object.entries(all).map(([key, value]) => {
    return `${stringifyWellFormed(key)}: ${stringifyWellFormed(value)}`;
  });
  return reply.type('application/json; charset=utf-8').send(`{\n${members.join(',\n')}\n}\n`);
}

/** For Prometheus, which takes gzip. */
export async function sendMetrics(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { statistics }: Ports,
): Promise<unknown> {
  const bytes = Buffer.from(printPrometheus(await statistics.read()));
  const isZipped = takesGzip(headers['accept-encoding'] ?? '');
  return sendStarted(reply.type(prometheusType), { kind: 'whole', bytes }, isZipped);
}

function shown({ name, tags, values }: Statistic): unknown {
  // The reference makes the one of `runtime` by itself, and gives it tags, if none.
  const isBare = Object.keys(tags).length === 0 && name !== 'runtime';
  return { name, tags: isBare ? null : tags, values };
}

import type { FastifyServerOptions } from 'fastify';
import { InvariantError } from '../base/assert.ts';

const refuse = (): never => {
  throw new InvariantError('no route has a schema');
};

/** For fastify: as no route has a schema it loads no validators and serializers of JSON schemas, a tenth of a node's start. */
export const noSchemas: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: refuse, buildSerializer: refuse },
};

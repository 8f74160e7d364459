import type { FastifyInstance } from 'fastify';

/** The requests that a daemon is at, by method and path: one count for each path that is there, all others are one. */
export class PendingRequests {
  readonly #counts = new Map<string, number>();

  /** Answers how to say that it has ended. */
  begin(name: string): () => void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    return () => {
      const left = (this.#counts.get(name) ?? 0) - 1;
      if (left > 0) this.#counts.set(name, left);
      else this.#counts.delete(name);
    };
  }

  /** Counts each request from its head to the end of its answer, or of its connection. */
  follow(api: FastifyInstance): void {
    api.addHook('onRequest', (request, reply, done) => {
      const { url = 'of no route' } = request.routeOptions;
      reply.raw.once('close', this.begin(`${request.method} ${url}`));
      done();
    });
  }

  list(): readonly { readonly name: string; readonly count: number }[] {
    return [...this.#counts].map(([name, count]) => ({ name, count }));
  }
}

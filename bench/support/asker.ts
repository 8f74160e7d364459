import { Agent, request } from 'node:http';

/** Asks over connections that stay open: a new one for each question would be most of what is measured. */
export class Asker {
  readonly #agent: Agent;

  constructor(connections: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** The body, whatever the status. */
  get(url: string): Promise<Buffer> {
    return this.#ask(url, 'GET', undefined);
  }

  /** Throws unless the answer is 204. */
  async write(url: string, body: Buffer): Promise<void> {
    const text = await this.#ask(url, 'POST', body);
    if (text.length > 0) throw new Error(text.toString());
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(url: string, method: string, body: Buffer | undefined): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'Content-Length': body.length };
      const call = request(url, { method, agent: this.#agent, headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          resolve(parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts));
        });
      });
      call.on('error', reject);
      call.end(body);
    });
  }
}

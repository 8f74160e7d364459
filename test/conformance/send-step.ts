import { Buffer } from 'node:buffer';
import { Agent, request as openRequest, type OutgoingHttpHeaders } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { packType } from './compare-pack.ts';
import type { RecordedStep } from './recorded-set.ts';

export type SentStep = Pick<
  RecordedStep,
  'method' | 'path' | 'params' | 'headers' | 'text' | 'base64'
>;

/** An answer as the recorded ones are kept: gzip undone, MessagePack as base64, the content type without parameters. */
export interface GivenAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** One kept connection: the cases follow one another. */
export class StepSender {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = url.replace(/\/$/, '');
  }

  send(step: SentStep): Promise<GivenAnswer> {
    const search = new URLSearchParams(step.params).toString();
    const url = `${this.#url}${step.path}${search === '' ? '' : `?${search}`}`;
    const body = bodyOf(step);
    const headers: OutgoingHttpHeaders = { ...step.headers, 'Content-Length': body.length };
    return new Promise((resolve, reject) => {
      const { method } = step;
      const sent = openRequest(url, { method, headers, agent: this.#agent }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(parts);
          const isPacked = response.headers['content-encoding'] === 'gzip' && bytes.length > 0;
          const [type = ''] = (response.headers['content-type'] ?? '').split(';');
          const encoding = type === packType ? 'base64' : 'utf8';
          const text = (isPacked ? gunzipSync(bytes) : bytes).toString(encoding);
          resolve({ status: response.statusCode ?? 0, type, text });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function bodyOf({ text = '', base64 }: SentStep): Buffer {
  return base64 === undefined ? Buffer.from(text, 'utf8') : Buffer.from(base64, 'base64');
}

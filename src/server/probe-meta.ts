import { get } from 'node:http';
import { DbError } from '../base/errors.ts';
import type { MetaProbe } from '../http/meta/meta-api-options.ts';

const probeMs = 5_000;

/** Asks another meta node's `/status`. Throws `unavailable` when nobody answers as one would. */
export function probeMeta(httpAddress: string): Promise<MetaProbe> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(new DbError('unavailable', `${httpAddress}: ${error.message}`, { cause: error }));
    };
    const request = get(`http://${httpAddress}/status`, { timeout: probeMs }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', fail);
      response.on('end', () => {
        try {
          resolve(JSON.parse(text) as MetaProbe);
        } catch (error) {
          fail(error as Error);
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', fail);
  });
}

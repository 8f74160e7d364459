import { NodeClock } from '../../src/env/node/node-clock.ts';
import { NodeInbound } from '../../src/env/node/network/node-inbound.ts';
import { NodeJobs } from '../../src/env/node/node-jobs.ts';
import type { LogFields } from '../../src/env/log.ts';
import { PutApi } from '../../src/http/opentsdb/put-api.ts';
import { OpenTsdbListener } from '../../src/services/listeners/opentsdb/opentsdb-listener.ts';
import type { Statistic } from '../../src/telemetry/statistics.ts';
import { PointBatcher } from '../../src/services/listeners/point-batcher.ts';

interface LogLine {
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** A listener for OpenTSDB on a port of this machine, whose points go nowhere. */
export class OpenTsdbSetting {
  readonly #lines: LogLine[] = [];
  readonly #jobs = new NodeJobs();
  readonly #clock = new NodeClock();
  readonly #batcher: PointBatcher;
  #listener: OpenTsdbListener | undefined;
  #http = '';
  #isBroken = false;
  port = 0;

  private constructor() {
    const write = (): Promise<void> => Promise.resolve();
    this.#batcher = new PointBatcher(
      { clock: this.#clock, log: this.#log, prepare: write, write },
      {
        ...{ database: 'opentsdb', retentionPolicy: '', stepNs: 1n, batchPointsMax: 1_000_000 },
        ...{ pendingMax: 5, batchMs: 3_600_000, unpreparedText: 'none' },
      },
    );
  }

  static async open(): Promise<OpenTsdbSetting> {
    const setting = new OpenTsdbSetting();
    const [clock, log, batcher] = [setting.#clock, setting.#log, setting.#batcher];
    const write = (body: Uint8Array): Promise<void> => {
      if (setting.#isBroken) return Promise.reject(new Error('the cluster is away'));
      setting.#http += Buffer.from(body).toString('latin1');
      return Promise.resolve();
    };
    const http = await PutApi.open({ clock, log, jobs: setting.#jobs, write });
    // The listener tells its address in the log alone.
    setting.#listener = await OpenTsdbListener.open(
      { clock: eachLineItsSecond(), log, batcher, http, inbound: new NodeInbound() },
      { bind: '127.0.0.1:0', logPointErrors: true },
    );
    const address = String(
      setting.#lines.find(({ message }) => message === 'Listening on TCP')?.fields?.['addr'],
    );
    setting.port = Number(address.split(':').at(-1));
    setting.#lines.length = 0;
    return setting;
  }

  /** Writes by HTTP fail from now on. */
  breakCluster(): void {
    this.#isBroken = true;
  }

  statistics(): readonly Statistic[] {
    return this.#listener?.statistics() ?? [];
  }

  counts(): Readonly<Record<string, number>> {
    return this.#listener?.statistics()[0]?.values ?? {};
  }

  /** What has come since the last call: lines of both ways, and of the log. */
  taken(): { readonly written: string; readonly lines: readonly LogLine[] } {
    const written = Buffer.from(this.#batcher.lines.view()).toString('latin1') + this.#http;
    const lines = this.#lines.filter(({ message }) => message !== 'Error reading from OpenTSDB connection'); // prettier-ignore
    this.#batcher.lines.clear();
    this.#http = '';
    this.#lines.length = 0;
    return { written, lines };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.close();
    await this.#jobs.close();
  }

  get #log() {
    const tell = (message: string, fields?: LogFields): void => void this.#lines.push({ message, fields }); // prettier-ignore
    const log = { debug: tell, info: tell, warn: tell, error: tell, child: () => log, setLevel: () => undefined }; // prettier-ignore
    return log;
  }
}

/** With it the log of bad lines is never full. */
function eachLineItsSecond(): { monotonicMs(): number; wallNs(): bigint } {
  let nowMs = 0;
  return { monotonicMs: () => (nowMs += 1_000), wallNs: () => 0n };
}

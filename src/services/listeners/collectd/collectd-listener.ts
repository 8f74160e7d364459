/**
 * `[[collectd]]`: datagrams of collectd's binary protocol (spec F128). As the reference, a datagram with a fault is dropped as a whole
 * and counts as one failure; one that comes again is written again, over itself.
 */
import { Tasks } from '../../../base/async/tasks.ts';
import { errorText } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import type { Statistic } from '../../../telemetry/statistics.ts';
import { BadInputLog } from '../bad-input-log.ts';
import { Datagrams, type DatagramsPorts } from '../datagrams.ts';
import type { Listener } from '../listener.ts';
import type { PointBatcher } from '../point-batcher.ts';
import { AuthFile } from './auth-file.ts';
import { CollectdPoints, type MultiValue } from './collectd-points.ts';
import { loadTypes } from './load-types.ts';
import { readPacket, Trust, type PacketHead } from './packet.ts';
import type { Secrets } from './packet-secrets.ts';
import type { Types } from './types-db.ts';

export interface CollectdListenerPorts extends Omit<DatagramsPorts, 'batcher'> {
  readonly log: Log;
  readonly disk: Pick<Disk, 'list' | 'readFile' | 'size'>;
  readonly batcher: PointBatcher;
}

export interface CollectdListenerOptions {
  readonly bind: string;
  /** `read-buffer`. */
  readonly bufferBytes: number;
  /** `typesdb`, `auth-file`. */
  readonly typesPath: string;
  readonly authPath: string;
  readonly securityLevel: keyof typeof Trust;
  readonly multiValue: MultiValue;
}

/** Reasons that are told once each: what is unknown comes again every ten seconds. */
const unknownReasonsMax = 1_000;

export class CollectdListener implements Listener {
  readonly #ports: CollectdListenerPorts;
  readonly #options: CollectdListenerOptions;
  readonly #points: CollectdPoints;
  readonly #secrets: Secrets;
  readonly #tasks: Tasks;
  readonly #bad: BadInputLog;
  readonly #toldReasons = new Set<string>();
  #datagrams: Datagrams | undefined;
  #pointsRx = 0;
  #pointsParseFail = 0;
  #droppedPointsInvalid = 0;
  /** Of the datagram that is read. */
  #dropped: { readonly name: string; readonly reason: string }[] = [];

  private constructor(
    ports: CollectdListenerPorts,
    options: CollectdListenerOptions,
    read: { readonly types: Types; readonly secrets: Secrets; readonly tasks: Tasks },
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#secrets = read.secrets;
    this.#tasks = read.tasks;
    this.#bad = new BadInputLog(ports);
    this.#points = new CollectdPoints({
      types: read.types,
      multiValue: options.multiValue,
      lines: ports.batcher.lines,
      dropped: (name, reason) => this.#dropped.push({ name, reason }),
      unknown: this.#tellUnknown.bind(this),
    });
  }

  /** Rejects with the reference's text. */
  static async open(
    ports: CollectdListenerPorts,
    options: CollectdListenerOptions,
  ): Promise<CollectdListener> {
    const { log } = ports;
    log.info('Starting collectd service');
    const tasks = new Tasks((name, error) => {
      log.error('A task of a listener failed', { name, error: errorText(error) });
    });
    const types = await loadTypes(ports, options.typesPath);
    const secrets = await AuthFile.open({ ...ports, tasks }, options.authPath);
    const listener = new CollectdListener(ports, options, { types, secrets, tasks });
    listener.#datagrams = await Datagrams.open(ports, options, listener.#take.bind(listener));
    log.info('Listening on UDP', { addr: listener.#datagrams.address });
    return listener;
  }

  statistics(): readonly Statistic[] {
    const { bind } = this.#options;
    const values = {
      pointsRx: this.#pointsRx,
      ...this.#datagrams?.counts(),
      pointsParseFail: this.#pointsParseFail,
      ...this.#ports.batcher.counts(),
      droppedPointsInvalid: this.#droppedPointsInvalid,
    };
    return [{ name: 'collectd', tags: { bind }, values }];
  }

  async close(): Promise<void> {
    await this.#datagrams?.close();
    await this.#ports.batcher.close();
    await this.#tasks.settled();
    this.#ports.log.info('Closed collectd service');
  }

  #take(bytes: Uint8Array): void {
    const { batcher } = this.#ports;
    const points = this.#points;
    const before = batcher.lines.lengthBytes;
    points.pointCount = 0;
    this.#dropped = [];
    const fault = readPacket(bytes, {
      trustMin: Trust[this.#options.securityLevel],
      secrets: this.#secrets,
      values: (head: PacketHead, at: number, count: number) => {
        points.values(head, at, count);
      },
    });
    if (fault !== undefined) {
      batcher.lines.lengthBytes = before;
      this.#pointsParseFail++;
      this.#bad.tell('collectd parse error', () => ({ error: fault }));
      return;
    }
    for (const { name, reason } of this.#dropped)
      this.#bad.tell('Dropping point', () => ({ name, error: reason }));
    this.#droppedPointsInvalid += this.#dropped.length;
    this.#pointsRx += points.pointCount;
    if (points.pointCount > 0) batcher.added(points.pointCount);
  }

  #tellUnknown(reason: string): void {
    if (this.#toldReasons.has(reason) || this.#toldReasons.size >= unknownReasonsMax) return;
    this.#toldReasons.add(reason);
    this.#ports.log.info(reason);
  }
}

import type { LogFields } from '../../src/env/log.ts';
import type { MultiValue } from '../../src/services/listeners/collectd/collectd-points.ts';
import { CollectdListener } from '../../src/services/listeners/collectd/collectd-listener.ts';
import type { Trust } from '../../src/services/listeners/collectd/packet.ts';
import { PointBatcher } from '../../src/services/listeners/point-batcher.ts';
import { World } from '../sim/world/world.ts';

interface LogLine {
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** A listener for collectd in a world of its own. */
export class CollectdSetting {
  readonly world = new World(1);
  readonly lines: LogLine[] = [];
  readonly node = this.world.addNode('a');
  listener: CollectdListener | undefined;
  #written = '';

  async open({
    typesDb,
    authFile,
    typesPath = 'etc/types.db',
    ...options
  }: {
    readonly typesDb: string;
    readonly authFile?: string | undefined;
    readonly typesPath?: string;
    readonly securityLevel: keyof typeof Trust;
    readonly multiValue: MultiValue;
  }): Promise<this> {
    const { clock, disk, inbound } = this.node.env;
    const tell = (message: string, fields?: LogFields): void => void this.lines.push({ message, fields }); // prettier-ignore
    const log = { debug: tell, info: tell, warn: tell, error: tell, child: () => log, setLevel: () => undefined }; // prettier-ignore
    const batcher = new PointBatcher(
      {
        clock,
        log,
        prepare: () => Promise.resolve(),
        write: ({ body }) => {
          this.#written += Buffer.from(body).toString('latin1');
          return Promise.resolve();
        },
      },
      {
        ...{ database: 'collectd', retentionPolicy: '', stepNs: 1n, batchPointsMax: 5_000 },
        ...{ pendingMax: 10, batchMs: 10, unpreparedText: 'Required database not yet created' },
      },
    );
    const open = async (): Promise<CollectdListener> => {
      await disk.makeDir('etc');
      await disk.replaceFile('etc/types.db', Buffer.from(typesDb));
      if (authFile !== undefined) await disk.replaceFile('etc/auth', Buffer.from(authFile));
      const paths = { typesPath, authPath: 'etc/auth' };
      return CollectdListener.open({ clock, disk, inbound, log, batcher }, { bind: ':25826', bufferBytes: 0, ...paths, ...options }); // prettier-ignore
    };
    this.listener = await this.world.complete(open());
    return this;
  }

  /** A datagram, and what it made. */
  async send(bytes: Uint8Array): Promise<{
    readonly written: string;
    readonly counts: Readonly<Record<string, number>>;
    readonly lines: readonly LogLine[];
  }> {
    const before = this.#counts();
    this.#written = '';
    this.lines.length = 0;
    this.world.doors.sendDatagram('a', ':25826', bytes);
    // A second in the log is full after some lines.
    await this.world.run(this.world.nowMs + 1_001);
    const entries = Object.entries(this.#counts());
    const counts = Object.fromEntries(entries.map(([name, count]) => [name, count - (before[name] ?? 0)])); // prettier-ignore
    return { written: this.#written, counts, lines: [...this.lines] };
  }

  #counts(): Readonly<Record<string, number>> {
    return this.listener?.statistics()[0]?.values ?? {};
  }
}

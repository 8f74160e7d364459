/**
 * Small bodies that come at once are written as one (docs/internals/joined-writes.md): those of one policy that are read in one turn of
 * the event loop, and those that come while others are on their way to the log, which they would wait for there.
 *
 * Invariants:
 * - Nobody waits for company: what has gathered goes at the end of the turn, or once what is on its way is written.
 * - A body is answered by what became of it: where they cannot be written as one each goes its own way, with nothing of any written.
 * - What is told of a body is told once. Its own memory is free from the start: they lie in that of the group until that is written.
 * - Bounds: a group is sent at `groupBytes` or `groupCount`; of lanes nothing is kept but those with bodies, and `lanesMax`.
 */
import { isDbError, type DbError } from '../../base/errors.ts';
import { SharedBuffers } from '../../base/shared-buffers.ts';
import { KiB, MiB } from '../../base/units.ts';
import type { Clock } from '../../env/clock.ts';
import { joinedEntryWords } from '../../kernels/line-kernel.ts';
import { JoinedBodies, type JoinedTask } from '../engine/lines/joined-bodies.ts';
import type { WrittenJoined } from '../engine/lines/write-joined.ts';
import type { OwnShards } from '../engine/lines/route-lines.ts';
import { inTime } from './in-time.ts';
import type { JoinedPlan, WriteRequest } from './body-routes.ts';

/** What becomes of a body that was taken. */
export type JoinedOutcome =
  | { readonly kind: 'written'; readonly pointCount: number; readonly valueCount: number }
  /** Nothing of it is written; its bytes, in memory of their own. */
  | { readonly kind: 'apart'; readonly body: Uint8Array }
  | { readonly kind: 'failed'; readonly error: DbError };

export interface JoinedWritesPorts {
  readonly clock: Clock;
  /** Undefined where they may not be written where they are parsed; throws what is wrong with a request besides its body. */
  readonly plan: (request: WriteRequest, nowNs: bigint) => JoinedPlan | undefined;
  /** Undefined where each is to be written by itself. */
  readonly write: (task: JoinedTask & { readonly own: OwnShards }) => Promise<WrittenJoined | undefined>;
} // prettier-ignore

type Settle = (outcome: JoinedOutcome) => void;

interface Group {
  readonly bodies: JoinedBodies;
  readonly settles: Settle[];
  readonly openedMs: number;
}

interface Lane {
  /** The first request: all of a lane are alike but for their bodies. */
  readonly request: WriteRequest;
  open: Group | undefined;
  flyingCount: number;
  /** Its bodies go by themselves until then. */
  apartUntilMs: number;
  apartMs: number;
  /** Of the group before: what the next one is likely to take. */
  roomBytes: number;
}

/** A longer body has enough of its own to do. */
export const joinedBodyBytesMax = 64 * KiB;
/** A group that has so much goes at once. */
const groupBytes = MiB;
const groupCountMax = 1_024;
const roomBytesMin = 16 * KiB;
const keptBytesMax = 4 * MiB;
const lanesMax = 1_024;
/** How long bodies go by themselves once some could not be written as one; twice as long each time until some can. */
const apartMsMin = 10;
const apartMsMax = 1_000;

export class JoinedWrites {
  readonly #ports: JoinedWritesPorts;
  readonly #buffers = new SharedBuffers(keptBytesMax);
  readonly #lanes = new Map<string, Lane>();
  /** Of the body before: that of the next one, mostly. */
  #last: Lane | undefined;
  /** Whether the end of the turn is waited for. */
  #isDue = false;

  constructor(ports: JoinedWritesPorts) {
    this.#ports = ports;
  }

  /** False for a body that goes by itself; else `settle` is told what became of it, after this has returned. */
  take(request: WriteRequest, settle: Settle): boolean {
    const { body, fence, level, rules } = request;
    if (body.length === 0 || body.length > joinedBodyBytesMax) return false;
    if (fence !== undefined || level === undefined || rules !== undefined) return false;
    const nowMs = this.#ports.clock.monotonicMs();
    const lane = this.#laneOf(request);
    if (nowMs < lane.apartUntilMs) return false;
    const nowNs = this.#ports.clock.wallNs();
    const group = (lane.open ??= {
      bodies: new JoinedBodies(this.#buffers, nowNs, lane.roomBytes),
      settles: [],
      openedMs: nowMs,
    });
    group.bodies.add(body, nowNs);
    group.settles.push(settle);
    request.bodyRead?.();
    if (group.bodies.lengthBytes >= groupBytes || group.settles.length >= groupCountMax)
      this.#send(lane);
    else if (lane.flyingCount === 0) this.#sendSoon();
    return true;
  }

  #laneOf(request: WriteRequest): Lane {
    if (this.#last === undefined || !isAlike(this.#last.request, request))
      this.#last = this.#findLane(request);
    return this.#last;
  }

  #findLane(request: WriteRequest): Lane {
    const { database, retentionPolicy, stepNs, level = '', timeoutMs, login = '' } = request;
    // Names may have any character: their lengths tell where they end.
    const key = `${database.length} ${retentionPolicy.length} ${stepNs} ${level} ${timeoutMs} ${database}${retentionPolicy}${login}`;
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    if (this.#lanes.size >= lanesMax)
      for (const [other, { open, flyingCount }] of this.#lanes)
        if (open === undefined && flyingCount === 0) this.#lanes.delete(other);
    const lane: Lane = {
      request: { ...request, body: new Uint8Array(), bodyRead: undefined, counted: undefined },
      ...{ open: undefined, flyingCount: 0, apartUntilMs: 0, apartMs: apartMsMin },
      roomBytes: roomBytesMin,
    };
    this.#lanes.set(key, lane);
    return lane;
  }

  #sendSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    void this.#ports.clock.sleep(0).then(() => {
      this.#isDue = false;
      for (const lane of this.#lanes.values()) if (lane.flyingCount === 0) this.#send(lane);
    });
  }

  #send(lane: Lane): void {
    const group = lane.open;
    if (group === undefined) return;
    lane.open = undefined;
    lane.roomBytes = Math.max(roomBytesMin, group.bodies.lengthBytes);
    lane.flyingCount++;
    void this.#write(lane, group).then((outcomes) => {
      lane.flyingCount--;
      this.#send(lane);
      outcomes.forEach((outcome, i) => group.settles[i]?.(outcome));
    });
  }

  /** What became of each. Never rejects. */
  async #write(lane: Lane, { bodies, openedMs }: Group): Promise<readonly JoinedOutcome[]> {
    const { clock, plan, write } = this.#ports;
    const { request } = lane;
    const { bytes: text, table } = bodies.finish();
    let writing: Promise<WrittenJoined | undefined> = Promise.resolve(undefined);
    try {
      const planned = plan(request, bodies.firstNs);
      const { stepNs, timeoutMs } = request;
      if (planned !== undefined)
        writing = write({ text, table, stepNs, defaultTimeNs: bodies.firstNs, ...planned });
      const leftMs = Math.max(0, timeoutMs - (clock.monotonicMs() - openedMs));
      if ((await inTime(clock, leftMs, writing)) === undefined) return this.#apart(lane, bodies);
      lane.apartMs = apartMsMin;
      return writtenOf(table);
    } catch (error) {
      // They may be written yet, and are not to be written twice.
      if (isDbError(error, 'timeout')) return bodies.map(() => ({ kind: 'failed', error }));
      return this.#apart(lane, bodies);
    } finally {
      const release = (): void => {
        bodies.release();
      };
      void writing.then(release, release);
    }
  }

  #apart(lane: Lane, bodies: JoinedBodies): readonly JoinedOutcome[] {
    lane.apartUntilMs = this.#ports.clock.monotonicMs() + lane.apartMs;
    lane.apartMs = Math.min(lane.apartMs * 2, apartMsMax);
    return bodies.map((body) => ({ kind: 'apart', body }));
  }
}

/** Whether they are of one lane. */
function isAlike(one: WriteRequest, other: WriteRequest): boolean {
  return (
    one.database === other.database &&
    one.retentionPolicy === other.retentionPolicy &&
    one.stepNs === other.stepNs &&
    one.level === other.level &&
    one.timeoutMs === other.timeoutMs &&
    one.login === other.login
  );
}

function writtenOf(table: Uint32Array): readonly JoinedOutcome[] {
  const outcomes: JoinedOutcome[] = [];
  for (let at = 0; at < table.length; at += joinedEntryWords)
    outcomes.push({ kind: 'written', pointCount: table[at + 1] ?? 0, valueCount: table[at + 2] ?? 0 }); // prettier-ignore
  return outcomes;
}

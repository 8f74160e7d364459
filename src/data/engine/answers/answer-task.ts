/**
 * A SELECT that one worker answers by itself, as bytes (decision 51): all shards of its range are home there, so that its
 * blocks need no way to another thread, and the main thread hands on what it gets.
 */
import { Buffer } from 'node:buffer';
import { MiB } from '../../../base/units.ts';
import type { SelectStatement } from '../../../influxql/ast.ts';
import type { TimeRange } from '../../../query/compile/split-condition.ts';
import { decodeMessage, encodeMessage } from '../../../rpc/message.ts';
import type { PartShare } from './answer-share.ts';

/** A retention policy that a statement reads, with its shards in the range. */
export interface AnswerPlace {
  readonly database: string;
  readonly retentionPolicy: string;
  /** Several of its shards may have points of the same times. */
  readonly isParted: boolean;
  readonly shardIds: readonly number[];
  /** The measurements that can be read; absent when only the schema tells. */
  readonly names?: readonly string[] | undefined;
}

/** How an answer is written as JSON. */
export interface AnswerForm {
  /** Nanoseconds in a unit of times; absent: they are RFC3339. */
  readonly epochUnitNs?: bigint | undefined;
  /** Rows of each document of a chunked answer; absent: it is one document. */
  readonly chunkRowsMax?: number | undefined;
}

export interface AnswerTask extends AnswerForm {
  /** With its names written out. */
  readonly statement: SelectStatement;
  /** The time whose shards it reads. */
  readonly range: TimeRange;
  readonly places: readonly AnswerPlace[];
  readonly bucketsMax: number;
  readonly seriesMax: number;
  readonly pointsMax: number;
}

/** What is sent: plain data would cost a microsecond for each object of it, on both sides. */
export interface AnswerRequest {
  /** The task, as taskText() has it. */
  readonly text: string;
  readonly nowNs: bigint;
  /** It was asked before: what is worked out of it is kept beside the text. */
  readonly isKept: boolean;
  /** Bounds of time in place of those of the task, which is a template then (decision 68). */
  readonly times?: AskedTimes | undefined;
  /** Others answer for other groups: parts say what is in them (answer-share.ts). */
  readonly isShare?: boolean | undefined;
  /** Another worker has nothing to do, and may help (decision 100). */
  readonly mayBeHelped?: boolean | undefined;
  /** What other nodes have of it comes beside it, to be merged with what is here (gathered/feeds.ts). */
  readonly gathers?: Gathering | undefined;
}

/** Feeds of blocks that a worker is given for an answer. */
export interface Gathering {
  /** Of this answer alone among those of a link. */
  readonly id: number;
  /** How many of them stand before the worker's own blocks, and how many behind. */
  readonly beforeCount: number;
  readonly afterCount: number;
}

export interface AskedTimes {
  /** As the statement bounds it itself. */
  readonly own: TimeRange;
  /** The time whose shards it reads. */
  readonly shards: TimeRange;
}

/** A task of one place as another node is asked (decision 67): the statement as its text, which that node parses. */
export interface AskedAnswer {
  /** One SELECT, with its names written out. */
  readonly statement: string;
  readonly database: string;
  readonly retentionPolicy: string;
  readonly shardIds: readonly number[];
  readonly isParted: boolean;
  readonly names?: readonly string[] | undefined;
  readonly minTimeNs?: bigint | undefined;
  readonly maxTimeNs?: bigint | undefined;
  readonly bucketsMax: number;
  readonly seriesMax: number;
  readonly pointsMax: number;
  readonly epochUnitNs?: bigint | undefined;
  readonly nowNs: bigint;
  /** As of an AnswerRequest. */
  readonly isShare?: boolean | undefined;
  /** Of a share alone, as earlier releases do not know them: bounds of time in place of those of the statement, which is a template then. */
  readonly ownTimes?: TimeRange | undefined;
  /** Of a share alone: the node that would have a pledge (data/shards/pledges); 0 or absent for none. */
  readonly pledgeTo?: number | undefined;
}

/** A part of the document; parts follow each other. */
export interface AnswerPart {
  /** Where it is shared memory, it is the reader's until he asks for the next part (base/lent-bytes.ts). */
  readonly bytes: Uint8Array;
  /** What closes all that is open in the document within its statement, should nothing else come (JsonDocument.closing). */
  readonly closing: string;
  /** Nothing comes behind it. */
  readonly isLast?: boolean;
  /** Where it was asked for; a node of an earlier release says nothing. */
  readonly share?: PartShare | undefined;
}

/** Of an answer that is not chunked so much is held back: until then a failure is one of the whole statement (decision 13). */
export const heldBytesMax = 4 * MiB;
/**
 * What is charged for an answer that leaves as it is made, held back at first or not: blocks and parts on their way, made and not taken,
 * on each of the threads that it passes.
 */
export const longAnswerBytes = heldBytesMax;

/** Longer ones are answered the general way: a pattern may name some ten thousand measurements. */
const textLengthMax = MiB;

/** Of a statement that another node is asked: a longer one is answered the general way. */
export const askedLengthMax = 65_536;

/** Undefined where it is too long or too deep, or has a number that JSON has no word for. */
export function taskText(task: AnswerTask): string | undefined {
  try {
    if (!isExact(task)) return undefined;
    const bytes = encodeMessage(task);
    if (bytes.length > textLengthMax) return undefined;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export function taskOf(text: string): AnswerTask {
  return decodeMessage(Buffer.from(text, 'latin1')) as AnswerTask;
}

function isExact(part: unknown): boolean {
  if (typeof part === 'number') return Number.isFinite(part) && !Object.is(part, -0);
  if (typeof part !== 'object' || part === null) return true;
  return Object.values(part).every(isExact);
}

/**
 * Profiles in the format that `go tool pprof` opens (profile.proto, not zipped yet): stacks of places in the code with the
 * values of each, the thread as a label.
 */
import type { CodeFrame, CpuNode, HeapNode, ThreadCpu, ThreadHeap } from '../../env/profiler.ts';

interface ValueType {
  readonly type: string;
  readonly unit: string;
}

export interface StackSample {
  /** Innermost first. */
  readonly frames: readonly CodeFrame[];
  readonly values: readonly number[];
  readonly thread?: string | undefined;
}

export interface ProfileFacts {
  readonly timeNs: bigint;
  readonly durationNs: bigint;
  readonly types: readonly ValueType[];
}

export const cpuTypes: readonly ValueType[] = [
  { type: 'samples', unit: 'count' },
  { type: 'cpu', unit: 'nanoseconds' },
];
export const heapTypes: readonly ValueType[] = [{ type: 'inuse_space', unit: 'bytes' }];
export const allocsTypes: readonly ValueType[] = [{ type: 'alloc_space', unit: 'bytes' }];

/** What nothing of here ever has a sample of: no thread waits for another one's lock. */
export const contentionTypes: readonly ValueType[] = [
  { type: 'contentions', unit: 'count' },
  { type: 'delay', unit: 'nanoseconds' },
];
export const goroutineTypes: readonly ValueType[] = [{ type: 'goroutine', unit: 'count' }];
export const threadTypes: readonly ValueType[] = [{ type: 'threadcreate', unit: 'count' }];

/** V8 calls what is no code by names in brackets; a thread that has nothing to do is in `(idle)`. */
const idle = '(idle)';

/** Where threads were found, as often and for as long; idle ones are left out, as Go leaves them out. */
export function cpuSamples(threads: readonly ThreadCpu[]): readonly StackSample[] {
  return threads.flatMap(({ thread, nodes, samples, timeDeltas }) => {
    const parents = parentsOf(nodes);
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const totals = new Map<number, { count: number; us: number }>();
    samples.forEach((id, i) => {
      const total = totals.get(id) ?? { count: 0, us: 0 };
      totals.set(id, total);
      total.count++;
      // A sample stands for the time up to the next one.
      total.us += Math.max(0, timeDeltas[i + 1] ?? 0);
    });
    return [...totals].flatMap(([id, { count, us }]) => {
      const frames = stackOf(id, byId, parents);
      if (frames.length === 0 || frames[0]?.functionName === idle) return [];
      return [{ frames, values: [count, us * 1_000], thread }];
    });
  });
}

/** Where each thread was found last; one that nobody found stands for itself. */
export function lastStacks(threads: readonly ThreadCpu[]): readonly StackSample[] {
  return threads.map(({ thread, nodes, samples }) => {
    const byId = new Map(nodes.map((node) => [node.id, node]));
    const last = samples.at(-1);
    const frames = last === undefined ? [] : stackOf(last, byId, parentsOf(nodes));
    const named = { functionName: thread, url: '', lineNumber: 0 };
    return { frames: frames.length === 0 ? [named] : frames, values: [1], thread };
  });
}

/** From the node outwards. */
function stackOf(
  id: number,
  nodes: ReadonlyMap<number, CpuNode>,
  parents: ReadonlyMap<number, number>,
): readonly CodeFrame[] {
  const frames: CodeFrame[] = [];
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const frame = nodes.get(at)?.callFrame;
    if (frame !== undefined && frame.functionName !== '(root)') frames.push(frame);
  }
  return frames;
}

/** Each thread once. */
export function threadSamples(threads: readonly string[]): readonly StackSample[] {
  return threads.map((thread) => {
    return { frames: [{ functionName: thread, url: '', lineNumber: 0 }], values: [1], thread };
  });
}

export function heapSamples(threads: readonly ThreadHeap[]): readonly StackSample[] {
  return threads.flatMap(({ thread, head }) =>
    placesOf(head).map(({ frames, bytes }) => ({ frames, values: [bytes], thread })),
  );
}

function placesOf(
  root: HeapNode,
): readonly { readonly frames: readonly CodeFrame[]; readonly bytes: number }[] {
  const places: { readonly frames: readonly CodeFrame[]; readonly bytes: number }[] = [];
  const pending: { readonly node: HeapNode; readonly above: readonly CodeFrame[] }[] = [{ node: root, above: [] }]; // prettier-ignore
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, above } = next;
    const frames = node === root ? above : [node.callFrame, ...above];
    if (node.selfSize > 0 && frames.length > 0) places.push({ frames, bytes: node.selfSize });
    for (const child of node.children) pending.push({ node: child, above: frames });
  }
  return places;
}

export function encodeProfile(
  samples: readonly StackSample[],
  { timeNs, durationNs, types }: ProfileFacts,
): Uint8Array {
  const texts = new Numbered<string>((text) => text);
  texts.of('');
  const functions = new Numbered<CodeFrame>(({ functionName, url }) => `${functionName}\n${url}`);
  const places = new Numbered<CodeFrame>(({ functionName, url, lineNumber }) => `${functionName}\n${url}\n${lineNumber}`); // prettier-ignore
  const profile = new Message();
  for (const { type, unit } of types)
    profile.message(1, new Message().number(1, texts.of(type)).number(2, texts.of(unit)));
  for (const { frames, values, thread } of samples) {
    const sample = new Message();
    sample.numbers(
      1,
      frames.map((frame) => places.of(frame) + 1),
    );
    sample.numbers(2, values.map(Math.round));
    if (thread !== undefined)
      sample.message(3, new Message().number(1, texts.of('thread')).number(2, texts.of(thread)));
    profile.message(2, sample);
  }
  places.all.forEach((frame, i) => {
    const line = new Message().number(1, functions.of(frame) + 1).number(2, frame.lineNumber + 1);
    profile.message(4, new Message().number(1, i + 1).message(4, line));
  });
  functions.all.forEach(({ functionName, url }, i) => {
    const name = texts.of(functionName === '' ? '(anonymous)' : functionName);
    profile.message(5, new Message().number(1, i + 1).number(2, name).number(3, name).number(4, texts.of(url))); // prettier-ignore
  });
  const [last] = types.slice(-1);
  const period = new Message().number(1, texts.of(last?.type ?? '')).number(2, texts.of(last?.unit ?? '')); // prettier-ignore
  for (const text of texts.all) profile.text(6, text);
  profile
    .number(9, Number(timeNs))
    .number(10, Number(durationNs))
    .message(11, period)
    .number(12, 1);
  return profile.bytes();
}

function parentsOf(nodes: readonly CpuNode[]): ReadonlyMap<number, number> {
  return new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
}

/** Gives each different thing the next number, from 0 on. */
class Numbered<T> {
  readonly all: T[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #keyOf: (value: T) => string;

  constructor(keyOf: (value: T) => string) {
    this.#keyOf = keyOf;
  }

  of(value: T): number {
    const key = this.#keyOf(value);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.all.length);
    return this.all.push(value) - 1;
  }
}

/** The little of protobuf that a profile takes. Numbers are exact up to 2^53. */
class Message {
  readonly #bytes: number[] = [];

  number(field: number, value: number): this {
    if (value === 0) return this;
    return this.#varint(field * 8).#varint(value);
  }

  numbers(field: number, values: readonly number[]): this {
    const packed = new Message();
    for (const value of values) packed.#varint(value);
    return this.message(field, packed);
  }

  text(field: number, text: string): this {
    return this.#block(field, new TextEncoder().encode(text));
  }

  message(field: number, message: Message): this {
    return this.#block(field, message.#bytes);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #block(field: number, bytes: ArrayLike<number>): this {
    this.#varint(field * 8 + 2).#varint(bytes.length);
    for (let i = 0; i < bytes.length; i++) this.#bytes.push(bytes[i] ?? 0);
    return this;
  }

  #varint(value: number): this {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes.push((rest % 128) + 128);
    this.#bytes.push(rest);
    return this;
  }
}

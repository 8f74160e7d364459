/** What the threads of this process are busy with, and what holds their memory. */
export interface Profiler {
  /**
   * Samples for so long; ends early with the signal's reason. Throws `conflict` while another one is under way that somebody
   * waits for.
   */
  cpu(durationMs: number, signal: AbortSignal): Promise<readonly ThreadCpu[]>;
  /** Samples of what threads are given meanwhile: all of it, or what they still hold at the end. One waits for another. */
  heap(options: HeapOptions, signal: AbortSignal): Promise<readonly ThreadHeap[]>;
  /** Samples all threads there are and will be, until the signal; hands over what there is from time to time, and at the end. */
  recordCpu(signal: AbortSignal, onPart: (threads: readonly ThreadCpu[]) => void): Promise<void>;
  /**
   * What is held, when the signal comes, of what threads were given from now on. Until then `heap` tells that too, and throws
   * `conflict` where all is asked for.
   */
  recordHeap(signal: AbortSignal): Promise<readonly ThreadHeap[]>;
  /** Names of the threads. */
  threads(signal: AbortSignal): Promise<readonly string[]>;
  /** Names of threads, and of what the main thread waits for, each as often as there is one. */
  waiting(): readonly string[];
}

export interface HeapOptions {
  readonly durationMs: number;
  /** Also what is not held any more. */
  readonly isAll: boolean;
}

export interface ThreadHeap {
  readonly thread: string;
  readonly head: HeapNode;
}

/** A place in the code. */
export interface CodeFrame {
  /** '' for code without a name. */
  readonly functionName: string;
  readonly url: string;
  /** From 0 on. */
  readonly lineNumber: number;
}

export interface ThreadCpu {
  readonly thread: string;
  readonly nodes: readonly CpuNode[];
  /** Ids of nodes: where the thread was found each time. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

export interface CpuNode {
  readonly id: number;
  readonly callFrame: CodeFrame;
  readonly children?: readonly number[] | undefined;
}

export interface HeapNode {
  readonly callFrame: CodeFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

/** What the threads of this process are busy with, and what holds their memory. */
export interface Profiler {
  /** Samples for so long; ends early with the signal's reason. Throws `conflict` while another one is under way. */
  cpu(durationMs: number, signal: AbortSignal): Promise<readonly ThreadCpu[]>;
  /** Samples of live memory, or of all that was given out while sampling went on, by the main thread. */
  heap(durationMs: number, signal: AbortSignal): Promise<HeapNode>;
  /** Names of threads, and of what the main thread waits for, each as often as there is one. */
  waiting(): readonly string[];
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

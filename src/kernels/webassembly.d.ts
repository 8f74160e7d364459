/** The part of the WebAssembly API in use; the compiler brings it only with the browser's whole library. */
declare namespace WebAssembly {
  type ImportValue = Memory | Global | ((...values: never[]) => unknown);
  type Imports = Record<string, Record<string, ImportValue>>;
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Record<string, unknown>;
  }
  class Memory {
    constructor(limits: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(deltaPages: number): number;
  }
  class Global {
    value: unknown;
  }
  class RuntimeError extends Error {}
}

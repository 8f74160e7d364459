/** Told of buffers that go with their messages (env/node/garbage.ts): HTTP/2 makes 64 KiB for each read of a socket. */
export interface Garbage {
  passed(lengthBytes: number): void;
}

export const noGarbage: Garbage = { passed: () => undefined };

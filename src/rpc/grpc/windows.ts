/**
 * How many bytes a peer may send before it hears that some were taken. Node takes what is of the connection at once, so that its
 * window bounds no memory and only has to be no brake: HTTP/2's own 64 KiB let 64 MB/s through at 1 ms of round trip, and on one
 * machine a third of what the processors could. The windows of streams bound what is in memory.
 */
import { KiB, MiB } from '../../base/units.ts';

/** What a request may send ahead of being read, until there is memory for all of it: at 1 ms of round trip, 256 MB/s. */
export const requestWindowBytes = 256 * KiB;
/** What an answer may. */
export const answerWindowBytes = MiB;
/** All streams of a connection together. */
export const connectionWindowBytes = 16 * MiB;

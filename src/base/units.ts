/** Sizes in bytes. */
export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

/** Durations in milliseconds. */
export const secondMs = 1_000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;

/** Durations in nanoseconds; time in this code base is int64 nanoseconds since 1970 as bigint at the edges. */
export const microsecondNs = 1_000n;
export const millisecondNs = 1_000_000n;
export const secondNs = 1_000_000_000n;
export const minuteNs = 60n * secondNs;
export const hourNs = 60n * minuteNs;
export const dayNs = 24n * hourNs;
export const weekNs = 7n * dayNs;

/** The reference's bounds of a point's time: int64 less the two values at each end (spec 4.2). */
export const minTimeNs = -9223372036854775806n;
export const maxTimeNs = 9223372036854775806n;

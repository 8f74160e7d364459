import { quoteGo } from '../../../base/go-format.ts';
import { DbError } from '../../../base/errors.ts';
import { formatDuration } from '../../../influxql/duration.ts';
import { secondMs, secondNs } from '../../../base/units.ts';
import type { Clock } from '../../../env/clock.ts';

const secondsDefault = 10;
const secondsMax = 21_600;
/** Addresses beyond these are not told apart from nothing. */
const addressesMax = 100_000;

interface Counts {
  writes: number;
  queries: number;
}

type Profile = Map<string, Counts>;

/** /debug/requests (spec 4.6): who asks and writes how often, counted only while somebody looks. */
export class RequestProfiles {
  readonly #clock: Clock;
  readonly #open = new Set<Profile>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(path: string, address: string): void {
    const kind = path === '/query' ? 'queries' : path === '/write' ? 'writes' : undefined;
    if (kind === undefined) return;
    for (const profile of this.#open) {
      const counts = profile.get(address) ?? { writes: 0, queries: 0 };
      if (profile.size >= addressesMax && !profile.has(address)) continue;
      counts[kind]++;
      profile.set(address, counts);
    }
  }

  /** What is counted in the next `seconds`, in the reference's form. Throws its texts for what is no such time. */
  async read(seconds: string, signal: AbortSignal): Promise<string> {
    const spanMs = spanOf(seconds) * secondMs;
    const profile: Profile = new Map();
    this.#open.add(profile);
    try {
      if (spanMs > 0) await this.#clock.sleep(spanMs, signal);
    } finally {
      this.#open.delete(profile);
    }
    const lines = [...profile].map(([address, counts]) => `${JSON.stringify(address)}: ${JSON.stringify(counts)}`); // prettier-ignore
    return `{\n${lines.join(',\n')}\n}\n`;
  }
}

function spanOf(text: string): number {
  if (text === '') return secondsDefault;
  if (!/^[+-]?\d+$/.test(text))
    throw invalid(`strconv.ParseInt: parsing ${quoteGo(text)}: invalid syntax`);
  const seconds = Number(text);
  if (seconds <= secondsMax) return Math.max(0, seconds);
  const [asked, most] = [seconds, secondsMax].map((one) => formatDuration(BigInt(one) * secondNs));
  throw invalid(`exceeded maximum interval time: ${asked ?? ''} > ${most ?? ''}`);
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}

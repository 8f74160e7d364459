/**
 * The cpu-only workload of the Time Series Benchmark Suite (docs/performance gives its definition): 10 tags in the
 * suite's order, 10 integer fields that walk at random in 0..100, one row per host and 10 s. Seeded: the same arguments
 * give the same bytes, on every machine.
 */
const regions: readonly (readonly [region: string, zones: number])[] = [
  ['us-east-1', 5],
  ['us-west-1', 2],
  ['us-west-2', 3],
  ['eu-west-1', 3],
  ['eu-central-1', 2],
  ['ap-southeast-1', 2],
  ['ap-southeast-2', 2],
  ['ap-northeast-1', 2],
  ['sa-east-1', 3],
];
const systems = ['Ubuntu16.10', 'Ubuntu16.04LTS', 'Ubuntu15.10'];
const teams = ['SF', 'NYC', 'LON', 'CHI'];
const environments = ['production', 'staging', 'test'];
export const cpuFields = [
  'usage_user',
  'usage_system',
  'usage_idle',
  'usage_nice',
  'usage_iowait',
  'usage_irq',
  'usage_softirq',
  'usage_steal',
  'usage_guest',
  'usage_guest_nice',
] as const;

export interface CpuWorkload {
  readonly hosts: number;
  readonly startSeconds: number;
  readonly seed: number;
}

/** Writes body after body; time advances, so no point comes twice. */
export class CpuLines {
  readonly #heads: string[] = [];
  readonly #values: Float64Array;
  readonly #hosts: number;
  #seconds: number;
  #host = 0;
  #state: number;

  constructor({ hosts, startSeconds, seed }: CpuWorkload) {
    this.#hosts = hosts;
    this.#seconds = startSeconds;
    this.#state = seed >>> 0;
    this.#values = new Float64Array(hosts * cpuFields.length);
    for (let host = 0; host < hosts; host++) this.#heads.push(this.#head(host));
    for (let i = 0; i < this.#values.length; i++) this.#values[i] = this.#chance() * 100;
  }

  /** The time of the rows that come next, in seconds since 1970. */
  get seconds(): number {
    return this.#seconds;
  }

  /** The next `rows` lines. */
  body(rows: number): string {
    const lines: string[] = [];
    for (let row = 0; row < rows; row++) {
      lines.push(this.#line());
      if (++this.#host === this.#hosts) {
        this.#host = 0;
        this.#seconds += 10;
      }
    }
    return `${lines.join('\n')}\n`;
  }

  #line(): string {
    const base = this.#host * cpuFields.length;
    let fields = '';
    for (let i = 0; i < cpuFields.length; i++) {
      const walked = (this.#values[base + i] ?? 0) + this.#normal();
      const value = Math.min(100, Math.max(0, walked));
      this.#values[base + i] = value;
      fields += `${i === 0 ? '' : ','}${cpuFields[i] ?? ''}=${Math.trunc(value)}i`;
    }
    return `${this.#heads[this.#host] ?? ''} ${fields} ${this.#seconds}000000000`;
  }

  #head(host: number): string {
    const [region = '', zones = 1] = regions[this.#below(regions.length)] ?? [];
    const zone = String.fromCharCode(97 + this.#below(zones));
    return (
      `cpu,hostname=host_${host},region=${region},datacenter=${region}${zone}` +
      `,rack=${this.#below(100)},os=${systems[this.#below(3)] ?? ''}` +
      `,arch=${this.#below(2) === 0 ? 'x64' : 'x86'},team=${teams[this.#below(4)] ?? ''}` +
      `,service=${this.#below(20)},service_version=${this.#below(2)}` +
      `,service_environment=${environments[this.#below(3)] ?? ''}`
    );
  }

  #below(bound: number): number {
    return Math.floor(this.#chance() * bound);
  }

  /** Standard normal by the Box-Muller transform. */
  #normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#chance()));
    return radius * Math.cos(2 * Math.PI * this.#chance());
  }

  /** Mulberry32: uniform in [0, 1). */
  #chance(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}

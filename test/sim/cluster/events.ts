/** Events of the code under test that a run has to reach, by what the trace shows of them. */
const patterns = {
  flush: / rename \S+\.tsm\.tmp /,
  release: / remove wal\//,
  shard: /Created shard/,
  hint: / sync hh\S+\.hint /,
  drained: / remove hh\S+\.hint$/,
} as const;

/** Most lines are none of them. */
const any = / (?:rename|remove|sync) |Created shard/;

export const eventKinds = ['flush', 'release', 'shard', 'hint', 'drained'] as const;
export type EventKind = (typeof eventKinds)[number];
export type EventCounts = Readonly<Record<EventKind, number>>;

export class Events {
  readonly counts: Record<EventKind, number> = {
    flush: 0,
    release: 0,
    shard: 0,
    hint: 0,
    drained: 0,
  };

  note(line: string): void {
    if (!any.test(line)) return;
    for (const kind of eventKinds) if (patterns[kind].test(line)) this.counts[kind]++;
  }
}

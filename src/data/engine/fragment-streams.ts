/** What a worker answers of fragments: one, or several over the same shards one after the other (query/fragment-run.ts). */
import type { EngineContext, EnginePorts, EngineReply } from '../../env/engine-host.ts';
import { Slices } from '../../env/slices.ts';
import type { QueryKernel } from '../../kernels/query-kernel.ts';
import { FragmentContext } from '../../query/exec/context.ts';
import { runAlikeFragments, runFragment } from '../../query/exec/run-fragment.ts';
import type { Fragment } from '../../query/fragment.ts';
import type { AlikeFragments, fragmentEnd } from '../../query/fragment-run.ts';
import type { MatcherFactory } from '../../query/predicate.ts';
import type { QueryAccount } from '../../query/run/query-account.ts';
import type { SelectAccounts } from '../../query/run/select-limits.ts';
import type { ShardView } from '../../storage/engine/shard-view.ts';
import { batchBlocks } from './block-batches.ts';
import { packedReply, sentReply } from './block-replies.ts';
import type { IdleKernels } from './idle-kernels.ts';
import { KnownFragments } from './known-fragments.ts';
import type { FragmentBlock } from './shard-access.ts';

const fragmentKinds = ['fragment', 'sent-fragment', 'fragment-run', 'sent-fragment-run'] as const;
type FragmentKind = (typeof fragmentKinds)[number];

export function isFragmentKind(kind: string): kind is FragmentKind {
  return (fragmentKinds as readonly string[]).includes(kind);
}

export interface FragmentStreamsPorts extends Pick<EnginePorts, 'clock' | 'turn'> {
  readonly kernels: IdleKernels;
  readonly accounts: SelectAccounts;
  readonly matcher: MatcherFactory;
  readonly whenOpen: (shardIds: readonly number[]) => Promise<void> | undefined;
  /** Of those that are here, to be released. */
  readonly views: (shardIds: readonly number[]) => readonly ShardView[];
  /** Of the schemas that show in what is read. */
  readonly schemaVersion: () => number;
}

export interface AskedFragments {
  readonly alike: readonly AlikeFragments[];
  /** Of all of them. */
  readonly shardIds: readonly number[];
  /** Whoever asks is told where each ends. */
  readonly tellsEnds: boolean;
  /** Blocks are for another node. */
  readonly isSent: boolean;
}

interface Reading {
  readonly views: readonly ShardView[];
  readonly kernel: QueryKernel;
  readonly account: QueryAccount;
  readonly context: EngineContext;
}

export class FragmentStreams {
  readonly #ports: FragmentStreamsPorts;
  readonly #known = new KnownFragments();

  constructor(ports: FragmentStreamsPorts) {
    this.#ports = ports;
  }

  asked(kind: FragmentKind, body: unknown): AskedFragments {
    const tellsEnds = kind === 'fragment-run' || kind === 'sent-fragment-run';
    const alike = tellsEnds ? (body as readonly AlikeFragments[]) : [alone(this.#known.fragmentOf(body))]; // prettier-ignore
    const isSent = kind === 'sent-fragment' || kind === 'sent-fragment-run';
    return { alike, shardIds: alike[0]?.fragment.shardIds ?? [], tellsEnds, isSent };
  }

  async *run(asked: AskedFragments, context: EngineContext): AsyncGenerator<EngineReply> {
    const { shardIds, isSent } = asked;
    const {
      kernels,
      accounts,
      views: viewsOf,
      schemaVersion: versionOf,
      whenOpen,
      clock,
      turn,
    } = this.#ports;
    await whenOpen(shardIds);
    const slices = new Slices({ clock, turn });
    const kernel = kernels.take();
    const account = accounts.open();
    let views: readonly ShardView[] = [];
    let schemaVersion: number | undefined;
    let isRead = false;
    const end = (): void => {
      if (isRead) return;
      isRead = true;
      for (const view of views) view.release();
      kernels.give(kernel);
      account.close();
    };
    try {
      views = viewsOf(shardIds);
      schemaVersion = versionOf();
      const blocks = this.#blocks(asked, { views, kernel, account, context });
      for (const { packer, ...batch } of batchBlocks(blocks, () => slices.isDue, {
        isCopied: isSent,
      })) {
        // prettier-ignore
        const reply = packer && (isSent ? sentReply : packedReply)(packer, { ...batch, schemaVersion });
        // The next fragment begins while the last batch of this one is on its way.
        if (batch.isLast) end();
        if (reply !== undefined) {
          schemaVersion = undefined;
          yield reply;
        }
        await slices.next();
      }
    } finally {
      end();
    }
  }

  *#blocks(
    { alike, tellsEnds }: AskedFragments,
    { views, kernel, account, context }: Reading,
  ): Generator<FragmentBlock | typeof fragmentEnd | undefined> {
    const { arena } = kernel;
    // Each counts its own points.
    const contextOf = () => {
      const own = new FragmentContext(kernel, this.#ports.matcher, () => context.cancelled());
      own.chargeTo(account);
      return own;
    };
    for (const some of alike) {
      const mark = arena.mark();
      if (tellsEnds) yield* runAlikeFragments(some, views, contextOf);
      else yield* runFragment(some.fragment, views, contextOf());
      arena.release(mark);
    }
  }
}

function alone(fragment: Fragment): AlikeFragments {
  return { fragment, measurements: [fragment.measurement] };
}

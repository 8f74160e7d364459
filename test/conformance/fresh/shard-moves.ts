import { eventually, type DevCluster } from '../../support/dev-cluster.ts';
import type { RandomChoice } from './random-choice.ts';

const databases = new Set(['fresh', 'changing']);
const settledMsMax = 120_000;

interface ShownShard {
  readonly id: string;
  readonly database: string;
  readonly owners: readonly { readonly tcpAddr: string }[];
}

/** What operators do to the shards of a cluster while clients use it: nobody who asks may see it. */
export class ShardMoves {
  readonly #cluster: DevCluster;
  readonly #random: RandomChoice;
  readonly #metaUrl: string;

  constructor(cluster: DevCluster, random: RandomChoice) {
    this.#cluster = cluster;
    this.#random = random;
    this.#metaUrl = cluster.url('meta', 1);
  }

  /** One of all that may be done; resolves once it is. */
  async move(): Promise<string> {
    const kind = this.#random.of(['move', 'move', 'move', 'add', 'remove', 'repair', 'rebalance', 'empty', 'truncate'] as const); // prettier-ignore
    switch (kind) {
      case 'repair':
        return `repaired ${await this.#repairAll()}`;
      case 'truncate':
        await this.#post(`/truncate-shards?delay=0s`);
        return 'truncated';
      case 'rebalance':
        await this.#planned('/rebalance?action=run');
        return 'rebalanced';
      case 'empty': {
        const node = this.#random.of(await this.#nodes());
        await this.#planned(`/decommission?addr=${node}&keep=true`);
        return `emptied ${node}`;
      }
      case 'move':
      case 'add':
      case 'remove':
        return this.#moveShard(kind);
    }
  }

  /** To a node that does not own it, and away from one that does. */
  async #moveShard(kind: 'move' | 'add' | 'remove'): Promise<string> {
    const all = await this.#shards();
    const isFit = ({ owners }: ShownShard): boolean => kind === 'remove' ? owners.length > 1 : owners.length > 0; // prettier-ignore
    const shards = all.filter(isFit);
    if (shards.length === 0) return 'nothing to move';
    const { id, owners } = this.#random.of(shards);
    const owning = owners.map(({ tcpAddr }) => tcpAddr);
    const nodes = await this.#nodes();
    const free = nodes.filter((node) => !owning.includes(node));
    const source = this.#random.of(owning);
    const done: string[] = [];
    if (kind !== 'remove') {
      if (free.length === 0) return `all own ${id}`;
      const destination = this.#random.of(free);
      await this.#post(`/copy-shard?src=${source}&dest=${destination}&shard=${id}`);
      done.push(`copied ${id} from ${source} to ${destination}`);
    }
    if (kind !== 'add') {
      const left = this.#random.of(owning);
      await this.#post(`/remove-shard?src=${left}&shard=${id}`);
      done.push(`removed ${id} from ${left}`);
    }
    return done.join(', ');
  }

  /** Shards whose owners differ: those that entropy shows. */
  async #repairAll(): Promise<string> {
    const { host } = new URL(this.#metaUrl);
    let first: string | undefined;
    await eventually(async () => {
      const { text } = await this.#cluster.ctl(['-bind', host, 'entropy', 'show', '-v']);
      const shown = text.split('\n').slice(3).join('\n').trim();
      first ??= shown;
      for (const [, id = ''] of text.matchAll(/^(\d+) .*(?:diff|missing)$/gm))
        await this.#cluster.ctl(['-bind', host, 'entropy', 'repair', id]);
      if (shown !== '') throw new Error(shown);
    }, settledMsMax);
    return first === '' ? 'nothing' : (first ?? '');
  }

  /**
   * Resolves once the plan has ended; one that waits for somebody, as what nobody else may own can go nowhere, is stopped. Its moves begin
   * some seconds apart and are as many as there are shards: as long as it gets on it is waited for.
   */
  async #planned(path: string): Promise<void> {
    await this.#post(path);
    let shown = '';
    while (!shown.includes('"state":"ended"')) {
      await eventually(async () => {
        const said = await (await fetch(`${this.#metaUrl}/rebalance`)).text();
        if (said.includes('"state":"paused"')) await this.#post('/rebalance?action=stop');
        if (said === shown) throw new Error(said);
        shown = said;
      }, settledMsMax);
    }
  }

  async #shards(): Promise<readonly ShownShard[]> {
    const shown = await (await fetch(`${this.#metaUrl}/show-shards`)).json();
    return (shown as readonly ShownShard[]).filter(({ database }) => databases.has(database));
  }

  async #nodes(): Promise<readonly string[]> {
    const shown = await (await fetch(`${this.#metaUrl}/show-cluster`)).json();
    return (shown as { data: { tcpAddr: string }[] }).data.map(({ tcpAddr }) => tcpAddr);
  }

  async #post(path: string): Promise<void> {
    const answer = await fetch(`${this.#metaUrl}${path}`, { method: 'POST' });
    const said = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${said}`);
  }
}

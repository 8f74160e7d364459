/**
 * Network namespaces for the nodes of a cluster, one each, with two ways in: one to the other nodes, which can be cut, and one for
 * clients, which stays. Nodes that are parted keep their links: what they send is lost, and nobody tells them.
 */
import { execFileSync } from 'node:child_process';
import { namespacedHost } from '../../scripts/dev-nodes.ts';

type Kind = 'meta' | 'data';

export interface NamespacedNode {
  readonly kind: Kind;
  readonly number: number;
}

/** Where clients reach a node that has a namespace. */
export function clientHost(kind: Kind, number: number): string {
  return namespacedHost(kind, number).replace('10.213.', '10.214.');
}

const nobodysLink = '02:00:00:00:00:99';

export class Namespaces {
  /** As `--namespaces` of the launcher. Names of links have 15 characters at most. */
  readonly name: string;
  readonly #nodes: readonly NamespacedNode[];
  /** Who sends to which address in vain. */
  readonly #deafened: (readonly [NamespacedNode, string])[] = [];

  private constructor(name: string, nodes: readonly NamespacedNode[]) {
    this.name = name;
    this.#nodes = nodes;
  }

  /** Gives why there can be none instead, as where one is not root. */
  static make(name: string, nodes: readonly NamespacedNode[]): Namespaces | string {
    if (process.getuid?.() !== 0) return 'only root may make network namespaces';
    const made = new Namespaces(name, nodes);
    try {
      made.#make();
      return made;
    } catch (error) {
      made.remove();
      return `network namespaces cannot be made: ${textOf(error)}`;
    }
  }

  /** Parts nodes from all others, until heal(). */
  part(names: ReadonlySet<string>): void {
    for (const node of this.#nodes)
      if (names.has(nameOf(node))) ip('link', 'set', this.#link(node, 'n'), 'master', `${this.name}-away`); // prettier-ignore
  }

  /** What `from` sends to `to` is lost until heal(), and what `to` sends arrives. */
  deafen(to: string, from: string): void {
    const [sender, receiver] = [from, to].map((name) => this.#nodes.find((one) => nameOf(one) === name)); // prettier-ignore
    if (sender === undefined || receiver === undefined)
      throw new Error(`nobody is ${from} or ${to}`);
    const address = namespacedHost(receiver.kind, receiver.number);
    // Of a link that nobody has: it leaves, and nobody takes it.
    ip('-n', this.#namespace(sender), 'neigh', 'replace', address, 'lladdr', nobodysLink, 'dev', 'ethn', 'nud', 'permanent'); // prettier-ignore
    this.#deafened.push([sender, address]);
  }

  heal(): void {
    for (const node of this.#nodes)
      ip('link', 'set', this.#link(node, 'n'), 'master', `${this.name}-near`);
    for (const [sender, address] of this.#deafened.splice(0))
      ip('-n', this.#namespace(sender), 'neigh', 'del', address, 'dev', 'ethn');
  }

  /** Best effort: what was never made is not there to be removed. */
  remove(): void {
    for (const node of this.#nodes) attempt('netns', 'del', this.#namespace(node));
    for (const bridge of ['near', 'away', 'out']) attempt('link', 'del', `${this.name}-${bridge}`);
  }

  #make(): void {
    for (const bridge of ['near', 'away', 'out']) {
      ip('link', 'add', `${this.name}-${bridge}`, 'type', 'bridge');
      ip('link', 'set', `${this.name}-${bridge}`, 'up');
    }
    ip('addr', 'add', '10.213.0.1/24', 'dev', `${this.name}-near`);
    ip('addr', 'add', '10.214.0.1/24', 'dev', `${this.name}-out`);
    for (const node of this.#nodes) {
      const namespace = this.#namespace(node);
      ip('netns', 'add', namespace);
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
      this.#connect(node, { letter: 'n', bridge: 'near', address: namespacedHost(node.kind, node.number) }); // prettier-ignore
      this.#connect(node, { letter: 'c', bridge: 'out', address: clientHost(node.kind, node.number) }); // prettier-ignore
    }
  }

  #connect(
    node: NamespacedNode,
    { letter, bridge, address }: { readonly letter: 'n' | 'c'; readonly bridge: string; readonly address: string }, // prettier-ignore
  ): void {
    const [namespace, link] = [this.#namespace(node), this.#link(node, letter)];
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', `eth${letter}`, 'netns', namespace);
    ip('link', 'set', link, 'master', `${this.name}-${bridge}`, 'up');
    ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', `eth${letter}`);
    ip('-n', namespace, 'link', 'set', `eth${letter}`, 'up');
  }

  #namespace(node: NamespacedNode): string {
    return `${this.name}-${nameOf(node)}`;
  }

  #link({ kind, number }: NamespacedNode, letter: 'n' | 'c'): string {
    return `${this.name}-${kind.charAt(0)}${number}${letter}`;
  }
}

function nameOf({ kind, number }: NamespacedNode): string {
  return `${kind}-${number}`;
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

function attempt(...args: readonly string[]): void {
  try {
    ip(...args);
  } catch {
    // It is not there.
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error);
}

import { must } from '../../src/base/assert.ts';
import type { RaftNode } from '../../src/raft/raft-node.ts';
import { quorumOf, type Entry, type Membership, type Message, type Ready } from '../../src/raft/types.ts'; // prettier-ignore
import type { ScriptStep } from './datadriven.ts';
import { RaftCluster, membersOf } from './raft-cluster.ts';

/** Draws nothing: every election timeout is the least, so that a script says whose time it is by whom it ticks. */
const still = { u32: () => 0, fork: () => still };

/**
 * Commands of golden scripts over a RaftCluster. Everything that a server does shows up in the answer of the step that
 * made it: what became durable, what was sent, what was applied. Numbers in a command are servers.
 */
export class RaftScript {
  #cluster: RaftCluster | undefined;
  #lines: string[] = [];
  #isQuiet = false;

  run(step: ScriptStep): string {
    this.#lines = [];
    this.#isQuiet = step.options.get('quiet') === 'yes';
    this.#do(step);
    return this.#lines.join('\n');
  }

  #do(step: ScriptStep): void {
    const { command, words, options } = step;
    const ids = words.map(Number).filter((id) => !Number.isNaN(id));
    const id = ids[0] ?? 0;
    switch (command) {
      case 'cluster':
        this.#found(membershipOf(options));
        return;
      case 'add':
        for (const one of ids) this.#raft.add(one);
        return;
      case 'log':
        this.#restore(id, options);
        return;
      case 'cut':
        this.#raft.isCut = (from, to) => ids.includes(from) !== ids.includes(to);
        return;
      case 'heal':
        this.#raft.isCut = () => false;
        return;
      case 'crash':
        for (const one of ids) this.#raft.crash(one, { isPendingDurable: options.has('durable') });
        return;
      case 'restart':
        for (const one of ids) this.#raft.restart(one);
        return;
      case 'status':
        this.#status();
        return;
      case 'settle':
        this.#raft.settle();
        return;
      case 'pass':
        this.#pass(ids, Number(options.get('count') ?? 1));
        return;
      case 'entries':
        this.#lines.push(...this.#node(id).entries.map(entryText));
        return;
      default:
        this.#drive(step, id);
    }
  }

  /** Commands that make a server act. */
  #drive({ command, words, options }: ScriptStep, id: number): void {
    const node = this.#node(id);
    switch (command) {
      case 'tick':
        for (let i = Number(options.get('count') ?? 1); i > 0; i--) node.tick();
        return;
      case 'campaign':
        node.campaign();
        return;
      case 'propose':
        for (const text of words.slice(1)) node.propose(new TextEncoder().encode(text));
        return;
      case 'change':
        node.proposeMembership(membershipOf(options));
        return;
      case 'read':
        node.readIndex(Number(options.get('context')));
        return;
      case 'transfer':
        node.transferLeadership(Number(options.get('to')));
        return;
      case 'compact':
        this.#raft.compact(id);
        return;
      case 'take':
        this.#raft.begin(id);
        return;
      case 'pump':
        this.#raft.pump(id);
        return;
      case 'deliver':
        this.#deliver(id, (message) => this.#raft.deliver(message));
        return;
      case 'drop':
        this.#deliver(id, () => undefined);
        return;
      default:
        throw new Error(`no such command: ${command}`);
    }
  }

  get #raft(): RaftCluster {
    return must(this.#cluster, 'a script begins with cluster');
  }

  #node(id: number): RaftNode {
    return this.#raft.node(id);
  }

  #found(membership: Membership): void {
    this.#cluster = new RaftCluster(membership, { random: still });
    this.#cluster.onReady = (id, ready) => {
      this.#note(id, ready);
    };
  }

  /** Puts a server with terms of entries 2, 3 and so on, as the figures of the paper draw them. */
  #restore(id: number, options: ReadonlyMap<string, string>): void {
    const machine = this.#raft.machine(id);
    const terms = numbersOf(options.get('terms'));
    const bytes = Number(options.get('bytes') ?? 0);
    const data = (index: number, term: number) =>
      new TextEncoder().encode(`x${index}/${term}`.padEnd(bytes));
    machine.entries = terms.map((term, i) => ({ kind: 'command', index: i + 2, term, data: data(i + 2, term) })); // prettier-ignore
    machine.hardState = {
      term: Number(options.get('term') ?? terms.at(-1) ?? 1),
      vote: Number(options.get('vote') ?? 0),
      commit: Number(options.get('commit') ?? 1),
    };
    this.#raft.restart(id);
  }

  #deliver(to: number, act: (message: Message) => void): void {
    const { network } = this.#raft;
    for (const message of network.filter((one) => one.to === to)) {
      network.splice(network.indexOf(message), 1);
      this.#lines.push(messageText(message));
      act(message);
    }
  }

  /** Time goes by at these servers, and all that is sent arrives. */
  #pass(ids: readonly number[], count: number): void {
    for (let i = 0; i < count; i++) {
      for (const id of ids) this.#raft.node(id).tick();
      this.#raft.settle();
    }
  }

  #note(id: number, ready: Ready): void {
    if (this.#isQuiet) return;
    const lines = readyTexts(ready);
    if (lines.length > 0) this.#lines.push(`server ${id}`, ...lines.map((line) => `  ${line}`));
  }

  #status(): void {
    for (const [id, { node, applied }] of this.#raft.machines) {
      if (node === undefined) {
        this.#lines.push(`${id}: down`);
        continue;
      }
      const { role, term, leaderId, firstIndex, lastIndex, commit, membership } = node;
      const leader = leaderId === 0 ? 'no leader' : `leader ${leaderId}`;
      const held = firstIndex > lastIndex ? 'no entries' : `entries ${firstIndex}..${lastIndex}`;
      const log = `${held}, commit ${commit}`;
      const texts = applied.map(({ text }) => text.trimEnd()).join(' ');
      const quorum = `${membershipText(membership)}, quorum ${quorumOf(membership)}`;
      this.#lines.push(
        `${id}: ${role}, term ${term}, ${leader}, ${log}, ${quorum}, applied [${texts}]`,
      );
    }
  }
}

function numbersOf(text = ''): readonly number[] {
  return text === '' ? [] : text.split(',').map(Number);
}

function membershipOf(options: ReadonlyMap<string, string>): Membership {
  const members = (name: string) => membersOf(...numbersOf(options.get(name)));
  return { voters: members('voters'), learners: members('learners') };
}

function readyTexts({ hardState, snapshot, entries, messages, committed, reads }: Ready): string[] {
  const lines: string[] = [];
  if (hardState !== undefined) {
    const { term, vote, commit } = hardState;
    lines.push(`saves term ${term}, vote ${vote}, commit ${commit}`);
  }
  if (snapshot !== undefined) lines.push(`saves the snapshot ${snapshot.index}/${snapshot.term}`);
  for (const entry of entries) lines.push(`saves ${entryText(entry)}`);
  for (const message of messages) lines.push(`sends ${messageText(message)}`);
  for (const entry of committed) lines.push(`applies ${entryText(entry)}`);
  for (const { context, index } of reads) lines.push(`may answer read ${context} as of ${index}`);
  return lines;
}

function entryText(entry: Entry): string {
  const place = `${entry.index}/${entry.term}`;
  if (entry.kind === 'command') return `${place} ${new TextDecoder().decode(entry.data).trimEnd()}`;
  if (entry.kind === 'membership') return `${place} ${membershipText(entry.membership)}`;
  return `${place} empty`;
}

function membershipText({ voters, learners }: Membership): string {
  const ids = (members: Membership['voters']) => members.map(({ id }) => id).join(' ');
  return `voters ${ids(voters)}${learners.length > 0 ? ` learners ${ids(learners)}` : ''}`;
}

function messageText(message: Message): string {
  return `${message.from}->${message.to} ${message.kind} term ${message.term}${bodyText(message)}`;
}

function bodyText(message: Message): string {
  switch (message.kind) {
    case 'vote': {
      const asks = message.isPreVote ? ' pre' : message.isTransfer ? ' transfer' : '';
      return `${asks}, log ends ${message.lastIndex}/${message.lastTerm}`;
    }
    case 'vote-reply':
      return `${message.isPreVote ? ' pre' : ''} ${message.granted ? 'granted' : 'refused'}`;
    case 'append': {
      const { previousIndex, previousTerm, entries, commit } = message;
      const carried = entries.map((entry) => `${entry.index}/${entry.term}`).join(' ');
      return `, after ${previousIndex}/${previousTerm} [${carried}], commit ${commit}`;
    }
    case 'append-reply': {
      const { index, rejected, hintIndex, hintTerm } = message;
      return rejected ? ` refused ${index}, try ${hintIndex}/${hintTerm}` : ` has ${index}`;
    }
    case 'heartbeat':
      return ` round ${message.round}, commit ${message.commit}`;
    case 'heartbeat-reply':
      return ` round ${message.round}`;
    case 'snapshot':
      return ` ${message.snapshot.index}/${message.snapshot.term}`;
    case 'timeout-now':
      return '';
  }
}

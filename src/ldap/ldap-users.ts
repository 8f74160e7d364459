/**
 * The users of a cluster whose LDAP configuration is enabled: all of them are those servers' then (spec F97).
 *
 * Invariants:
 * - What was found to be right is remembered for `freshMs`, and while no server answers for `staleMs`; what was wrong is not.
 * - Of a password a keyed digest is kept, and nothing of a configuration before the present one.
 * - An answer that was asked for before a purge, or of another configuration, is not remembered.
 * - A configuration that is not understood here lets nobody in: it may be of a newer release.
 * - A server that has failed is left alone for `restMs`, so that one that hangs holds up few. So many ask at once, and wait.
 */
import { createHmac } from 'node:crypto';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import { minuteMs, secondMs } from '../base/units.ts';
import type { Clock } from '../env/clock.ts';
import type { Directory } from '../env/directory.ts';
import type { Log } from '../env/log.ts';
import type { Random } from '../env/random.ts';
import {
  askServers,
  type AskServersPorts,
  type LdapAnswer,
  type LdapIdentity,
} from './ask-servers.ts';
import { parseLdapSettings, type LdapServer, type LdapSettings } from './ldap-settings.ts';
import { Slots } from './slots.ts';
import { dnKey, warmGroups } from './warm-groups.ts';

export interface LdapUsersPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly random: Random;
  readonly log: Log;
  readonly directory: Directory;
  /** The configuration as the catalog has it now; undefined for none. */
  readonly config: () => string | undefined;
}

export interface LdapUsersOptions {
  /** So long what was right is so without being asked again, and so long while no server answers. */
  readonly freshMs: number;
  readonly staleMs: number;
}

export const rememberedLong: LdapUsersOptions = { freshMs: 10 * minuteMs, staleMs: 60 * minuteMs };
export const notRemembered: LdapUsersOptions = { freshMs: 0, staleMs: 0 };

export interface WarmStatus {
  /** By name: idle, running, done, cancelled, failed. */
  readonly state: 'idle' | 'running' | 'done' | 'cancelled' | 'failed';
  readonly memberCount: number;
  readonly doneCount: number;
  /** Why it failed. */
  readonly error: string;
}

interface Remembered {
  /** '' before a password was checked. */
  readonly digest: string;
  readonly identity: LdapIdentity;
  readonly atMs: number;
}

/** The configuration, read. */
interface Current {
  readonly text: string | undefined;
  /** Undefined where it is not understood. */
  readonly settings: LdapSettings | undefined;
}

const restMs = 2 * secondMs;
export const serverDeadlineMs = 5 * secondMs;
const rememberedMax = 10_000;
const slotsMax = { max: 16, waitingMax: 256 };
const keyWords = 8;
const textLengthMax = 1_024;

export class LdapUsers {
  readonly #ports: LdapUsersPorts;
  readonly #options: LdapUsersOptions;
  /** Made with the first password. */
  #key: Uint8Array | undefined;
  readonly #slots = new Slots(slotsMax);
  readonly #users = new Map<string, Remembered>();
  /** Groups that warm-cache has brought, by server and DN. */
  readonly #groups = new Map<string, { readonly groups: readonly string[]; readonly atMs: number }>(); // prettier-ignore
  readonly #pending = new Map<string, Promise<LdapIdentity | undefined>>();
  readonly #failedMs = new Map<LdapServer, number>();
  #current: Current = { text: undefined, settings: undefined };
  /** Another one with each purge and each configuration. */
  #era = 0;
  #warm: WarmStatus = { state: 'idle', memberCount: 0, doneCount: 0, error: '' };
  #warming: AbortController | undefined;

  constructor(ports: LdapUsersPorts, options: LdapUsersOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Whether users are those of LDAP servers, and of nobody else. */
  get isEnabled(): boolean {
    const text = this.#ports.config();
    if (text === undefined) return false;
    const { settings } = this.#read(text);
    return settings === undefined || settings.isEnabled;
  }

  /** Undefined for a wrong name or password. Throws `unavailable` where no server says so, `queue_full` where too many ask. */
  authenticate(name: string, password: string): Promise<LdapIdentity | undefined> {
    if (!isSound(name) || !isSound(password)) return Promise.resolve(undefined);
    return this.#ask(name, password);
  }

  /** The same of a user who has shown otherwise who they are. */
  identify(name: string): Promise<LdapIdentity | undefined> {
    return isSound(name) ? this.#ask(name, undefined) : Promise.resolve(undefined);
  }

  /** Forgets all users and their groups. */
  purge(): void {
    this.#era++;
    this.#users.clear();
    this.#groups.clear();
    this.#failedMs.clear();
  }

  get warmStatus(): WarmStatus {
    return this.#warm;
  }

  /** Begins to bring the groups of all members; goes on with one that runs already. Throws `conflict` where LDAP is not enabled. */
  warm(): void {
    const settings = this.isEnabled ? this.#current.settings : undefined;
    if (settings === undefined) throw new DbError('conflict', 'ldap is not enabled');
    if (this.#warming !== undefined) return;
    const warming = new AbortController();
    this.#warming = warming;
    this.#warm = { state: 'running', memberCount: 0, doneCount: 0, error: '' };
    // What it rejects with is its state.
    void this.#warmAll(settings, warming.signal).then(
      () => {
        this.#warm = { ...this.#warm, state: 'done' };
      },
      (error: unknown) => {
        const isCancelled = warming.signal.aborted;
        this.#warm = { ...this.#warm, state: isCancelled ? 'cancelled' : 'failed', error: isCancelled ? '' : errorText(error) }; // prettier-ignore
      },
    ).finally(() => {
      this.#warming = undefined;
    }); // prettier-ignore
  }

  cancelWarm(): void {
    this.#warming?.abort(new DbError('cancelled', 'the warming was cancelled'));
  }

  close(): Promise<void> {
    this.cancelWarm();
    return Promise.resolve();
  }

  async #ask(name: string, password: string | undefined): Promise<LdapIdentity | undefined> {
    const text = this.#ports.config();
    const settings = text === undefined ? undefined : this.#read(text).settings;
    if (settings?.isEnabled !== true) return undefined;
    const digest = password === undefined ? '' : this.#digestOf(name, password);
    const known = this.#users.get(name);
    const isRight = known !== undefined && (password === undefined || known.digest === digest);
    const ageMs = this.#ports.clock.monotonicMs() - (known?.atMs ?? 0);
    if (isRight && ageMs < this.#options.freshMs) return known.identity;
    try {
      return await this.#askOnce(settings, { name, password, digest });
    } catch (error) {
      if (!isRight || ageMs >= this.#options.staleMs || !isDbError(error, 'unavailable'))
        throw error;
      this.#ports.log.warn('No LDAP server answers: a user is let in as it was last known', { user: name, error: error.message }); // prettier-ignore
      return known.identity;
    }
  }

  /** Those who ask the same at once ask once. */
  #askOnce(
    settings: LdapSettings,
    asked: { readonly name: string; readonly password: string | undefined; readonly digest: string },
  ): Promise<LdapIdentity | undefined> {
    // Of now: while it waits for its turn another configuration may come, whose users these servers do not know.
    const era = this.#era;
    const key = `${era} ${asked.digest} ${asked.name}`;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const answer = this.#slots
      .run(() => this.#askNow(settings, { ...asked, era }))
      .finally(() => {
        this.#pending.delete(key);
      });
    this.#pending.set(key, answer);
    return answer;
  } // prettier-ignore

  async #askNow(
    { servers }: LdapSettings,
    { name, password, digest, era }: { readonly name: string; readonly password: string | undefined; readonly digest: string; readonly era: number }, // prettier-ignore
  ): Promise<LdapIdentity | undefined> {
    const { clock, directory, log } = this.#ports;
    const nowMs = clock.monotonicMs();
    const isResting = (server: LdapServer): boolean => nowMs - (this.#failedMs.get(server) ?? -restMs) < restMs; // prettier-ignore
    const rested = servers.filter((server) => !isResting(server));
    if (rested.length === 0) throw new DbError('unavailable', 'ldap: no server has answered a moment ago'); // prettier-ignore
    const ports: AskServersPorts = {
      ...{ directory, deadlineMs: serverDeadlineMs },
      groupsOf: (server, dn) => this.#warmGroupsOf(server, dn),
      failed: (server) => {
        this.#failedMs.set(server, clock.monotonicMs());
        log.warn('An LDAP server has failed', { server: `${server.host}:${server.port}` });
      },
    };
    const answer = await askServers(rested, { name, password }, ports);
    if (answer.kind === 'unknown' && rested.length < servers.length)
      throw new DbError('unavailable', 'ldap: a server that may know the user does not answer');
    if (era === this.#era) this.#note(name, digest, answer);
    return answer.kind === 'known' ? answer.identity : undefined;
  }

  #note(name: string, digest: string, answer: LdapAnswer): void {
    switch (answer.kind) {
      case 'known':
        this.#remember(name, { digest, identity: answer.identity, atMs: this.#ports.clock.monotonicMs() });
        break;
      case 'unknown':
        this.#users.delete(name);
        break;
      case 'refused':
        // The password that was right is so no more; a wrong one says nothing of it.
        if (this.#users.get(name)?.digest === digest) this.#users.delete(name);
    }
  } // prettier-ignore

  #remember(name: string, user: Remembered): void {
    const known = this.#users.get(name);
    this.#users.delete(name);
    const [oldest] = this.#users.keys();
    if (oldest !== undefined && this.#users.size >= rememberedMax) this.#users.delete(oldest);
    // Whoever came by a token has not shown the password again.
    const isOther = user.digest === '' && known !== undefined && known.digest !== '';
    this.#users.set(name, isOther ? { ...user, digest: known.digest, atMs: known.atMs } : user);
  }

  #warmGroupsOf(server: LdapServer, dn: string): readonly string[] | undefined {
    const known = this.#groups.get(groupsKey(server, dn));
    if (known === undefined || this.#ports.clock.monotonicMs() - known.atMs >= this.#options.freshMs) return undefined; // prettier-ignore
    return known.groups;
  }

  async #warmAll({ servers }: LdapSettings, signal: AbortSignal): Promise<void> {
    const era = this.#era;
    const { clock, directory } = this.#ports;
    this.#groups.clear();
    for (const server of servers)
      await warmGroups(server, {
        ...{ directory, signal, deadlineMs: serverDeadlineMs },
        found: (count) => {
          this.#warm = { ...this.#warm, memberCount: this.#warm.memberCount + count };
        },
        keep: (dn, groups) => {
          if (era !== this.#era) throw new DbError('cancelled', 'the cache was purged meanwhile');
          this.#groups.set(groupsKey(server, dn), { groups, atMs: clock.monotonicMs() });
          this.#warm = { ...this.#warm, doneCount: this.#warm.doneCount + 1 };
        },
      });
  }

  #read(text: string): Current {
    if (this.#current.text === text) return this.#current;
    this.purge();
    this.cancelWarm();
    this.#current = { text, settings: this.#parse(text) };
    return this.#current;
  }

  #parse(text: string): LdapSettings | undefined {
    try {
      return parseLdapSettings(text);
    } catch (error) {
      this.#ports.log.error('The LDAP configuration is not understood: nobody is let in', { error: errorText(error) }); // prettier-ignore
      return undefined;
    }
  }

  #digestOf(name: string, password: string): string {
    const { random } = this.#ports;
    this.#key ??= new Uint8Array(Uint32Array.from({ length: keyWords }, () => random.u32()).buffer);
    const said = JSON.stringify([name, password]);
    return createHmac('sha256', this.#key).update(said).digest('base64');
  }
}

/** '' is no password, and what is longer than any name is remembered, and sent, in vain. */
function isSound(text: string): boolean {
  return text !== '' && text.length <= textLengthMax;
}

function groupsKey({ host, port }: LdapServer, dn: string): string {
  return `${host}:${port} ${dnKey(dn)}`;
}

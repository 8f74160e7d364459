import type { Buffer } from 'node:buffer';
import { DbError, errorPlace, errorText, isDbError } from '../../base/errors.ts';
import type { Jobs } from '../../env/jobs.ts';
import type { Log } from '../../env/log.ts';
import type { Statement } from '../../influxql/ast.ts';
import { printStatement } from '../../influxql/printer.ts';
import { isReadOnly } from '../../influxql/privileges.ts';
import { refuseUnknownCatalog } from '../../meta/client/meta-access.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import type { Command } from '../../meta/command/command.ts';
import type { OutputSeries, ResultMessage, StatementResult } from '../../query/emit/result.ts';
import type { Diagnostic, DiagnosticTable, Statistics } from '../../telemetry/statistics.ts';
import type { AnswerForm, AnswerPart } from '../engine/answers/answer-task.ts';
import { writeJson } from '../../query/emit/json-writer.ts';
import { explain } from '../select/explain-select.ts';
import type { SelectContext, SelectPorts } from '../select/select-context.ts';
import { runInto, streamSelect } from '../select/select-runner.ts';
import { soleAnswer } from '../select/sole-answer.ts';
import { isNodeFailure } from '../shards/choose-owners.ts';
import type { PasswordScheme } from '../../env/password-scheme.ts';
import type { FailedOwners } from '../shards/failed-owners.ts';
import { causeOf } from '../shards/node-failure.ts';
import { findShard } from '../shards/shard-places.ts';
import { executeContinuousQuery } from './continuous-runs.ts';
import { catalogCommand, type RequestPlace } from './catalog-statements.ts';
import type { ClusterQueries } from './queries/cluster-queries.ts';
import { authorizeStatements } from './authorize-statements.ts';
import type { Principal } from './principal.ts';
import type { QueryRegistry, QueryTicket } from './queries/query-registry.ts';
import { QueryLog, withNames } from './queries/query-log.ts';
import { SilentOwners } from './silent-owners.ts';
import { statementRules } from './statement-rules.ts';
import { startAnswer, type StartedAnswer } from './started-answer.ts';
import {
  showContinuousQueries,
  showDatabases,
  showRetentionPolicies,
  showShardGroups,
  showShards,
  showSubscriptions,
} from './show-catalog.ts';
import { showDiagnostics, showIndexes, showStats } from './show-monitor.ts';
import { deletePoints, type DeletePorts } from './delete-points.ts';
import { KnownLists, type Listing } from './schema/known-lists.ts';
import { isListed, listAnswer } from './schema/list-answer.ts';
import { LeftOutShards } from './schema/left-out-shards.ts';
import { showSchema, type ShowContext, type ShowSchema } from './schema/show-schema.ts';
import { changeUsers, showGrants, showUsers } from './user-statements.ts';

export interface StatementPorts extends SelectPorts {
  readonly log: Log;
  /** Hears of each statement before it runs (spec F63). */
  readonly queryLog?: Pick<Log, 'info'> | undefined;
  readonly registry: QueryRegistry;
  readonly jobs: Jobs;
  readonly passwordScheme: PasswordScheme;
  readonly queries: ClusterQueries;
  readonly statistics: Statistics;
  /** Memory of the indexes of this node's shards. */
  readonly indexBytes: () => Promise<number>;
  readonly stamps: DeletePorts['stamps'];
  readonly keepDelete: DeletePorts['keepDelete'];
  /** Resolves once no data node that answers goes by an older catalog than this one. */
  readonly heardByAll: () => Promise<void>;
  readonly diagnostics: () => readonly (Diagnostic | DiagnosticTable)[];
  /** `retention-autocreate` is off: CREATE DATABASE without a policy makes none. */
  readonly makesBareDatabases?: boolean | undefined;
}

export interface QueryRequest {
  readonly statements: readonly Statement[];
  /** Of the request; '' when it names none. */
  readonly database: string;
  readonly retentionPolicy: string;
  readonly principal: Principal;
  /** A GET: statements that change something run, with a warning (spec 4.1). */
  readonly isReadOnly: boolean;
  readonly bucketsMax: number;
  /** Milliseconds; 0 is no limit. */
  readonly timeoutMs: number;
  /** Bytes of a SELECT's answer that are held back, so that a failed node is no error until they are out. */
  readonly heldBytesMax?: number;
  /** A SELECT reads what this data node has, and nothing else (spec F57). */
  readonly pinnedNodeId?: number | undefined;
  /** Hears how the answer to the one statement is made; it may be kept. */
  readonly listing?: Listing | undefined;
  readonly signal: AbortSignal;
  /** Owners that were waited for in vain, which nobody says but this executor to itself. */
  readonly failedBefore?: FailedOwners | undefined;
}

/** Commands that drop shards, or change where writes go and which are taken (decisions 148 and 161). */
const heardKinds: ReadonlySet<Command['kind']> = new Set([
  'drop-database',
  'drop-retention-policy',
  'create-retention-policy',
  'alter-retention-policy',
]);

/** Runs the statements of a request one after the other; the first that fails ends it (spec 4.1). */
export class StatementExecutor {
  readonly #ports: StatementPorts;
  readonly #lists: KnownLists;
  readonly #silent: SilentOwners;
  readonly #queryLog: QueryLog | undefined;

  constructor(ports: StatementPorts) {
    this.#ports = ports;
    this.#lists = new KnownLists(ports);
    this.#silent = new SilentOwners(ports.clock);
    this.#queryLog = ports.queryLog && new QueryLog({ ...ports, log: ports.queryLog });
  }

  /** As this node knows it. */
  get catalog(): Catalog {
    return this.#ports.meta.catalog;
  }

  /** Throws `forbidden`, and `unavailable` where the catalog is not known, before anything has run. */
  authorize({ statements, principal, database }: QueryRequest): void {
    refuseUnknownCatalog(this.#ports.meta);
    authorizeStatements(statements, principal, { catalog: this.catalog, database });
  }

  /**
   * Of a request whose only statement is a SHOW of what indexes have: the JSON document that answered it before and still
   * does, or what may keep it once it is made; undefined where nothing is kept. A promise where other nodes are asked.
   */
  listed(
    request: QueryRequest,
  ): Buffer | Listing | undefined | Promise<Buffer | Listing | undefined> {
    const [statement, ...others] = request.statements;
    if (others.length > 0 || statement?.kind.startsWith('show-') !== true) return undefined;
    // What is kept is for those who may read all of it.
    if (statementRules(statement, request) !== undefined) return undefined;
    const found = this.#lists.find(statement, request, request.signal);
    return found instanceof Promise
      ? found.then((bytes) => this.#listed(statement, request, bytes))
      : this.#listed(statement, request, found);
  }

  #listed(
    statement: Statement,
    request: QueryRequest,
    bytes: Buffer | undefined,
  ): Buffer | Listing | undefined {
    if (bytes === undefined) return this.#lists.begin(statement, request);
    try {
      this.#start(request).done();
      this.#queryLog?.note(statement, 0, request);
      return bytes;
    } catch {
      // The general way tells what limit it is.
      return undefined;
    }
  }

  /** Queries hold most of what they may together. */
  get isMemoryShort(): boolean {
    return this.#ports.accounts.isNearlyFull;
  }

  /**
   * The JSON document, or those of a chunked answer, of a request whose only statement is a SELECT that one worker answers by itself, or a SHOW of
   * what indexes have; undefined where several have to, or another owner: then `execute` answers, and nothing has run.
   */
  async answer(request: QueryRequest, form: AnswerForm): Promise<StartedAnswer | undefined> {
    const [statement, ...others] = request.statements;
    if (others.length > 0 || statement === undefined || !mayBeParts(statement, form))
      return undefined;
    if (statementRules(statement, request) !== undefined) return undefined;
    let ticket: QueryTicket | undefined;
    try {
      ticket = this.#start(request);
      this.#queryLog?.note(statement, 0, request);
      const asked = { ...request, signal: ticket.signal };
      const parts = this.#parts(statement, form, asked);
      if (parts !== undefined) return await this.#started(parts, { statement, request, ticket });
    } catch {
      // Whatever it is, it is told the general way.
    }
    ticket?.leave();
    return undefined;
  }

  #parts(
    statement: Statement,
    form: AnswerForm,
    request: QueryRequest,
  ): AsyncIterator<AnswerPart> | undefined {
    const context = this.#selectContext(statement, request);
    if (statement.kind === 'select') return soleAnswer(statement, form, context, this.#ports);
    return listAnswer(statement, { ...context, listing: request.listing }, this.#ports);
  }

  /** Undefined where another owner may answer, or the general way. */
  async #started(
    parts: AsyncIterator<AnswerPart>,
    { statement, request, ticket }: { readonly statement: Statement; readonly request: QueryRequest; readonly ticket: QueryTicket }, // prettier-ignore
  ): Promise<StartedAnswer | undefined> {
    const { accounts, clock } = this.#ports;
    const account = accounts.open();
    const { signal } = ticket;
    const failed = (error: unknown) => this.#failed(statement, { ...request, signal }, causeOf(error)); // prettier-ignore
    const isAskedAgain = (error: unknown): boolean =>
      !signal.aborted && (statement.kind !== 'select' || isNodeFailure(causeOf(error)));
    const askedMs = clock.monotonicMs();
    try {
      return await startAnswer(parts, {
        account,
        heldBytesMax: request.heldBytesMax ?? 0,
        textOf: (error) => failed(error).error ?? '',
        onIdle: ticket.idle,
        onEnd: (error) => {
          account.close();
          if (error !== undefined && isAskedAgain(error)) ticket.leave();
          else ticket.done();
        },
      });
    } catch (error) {
      if (isAskedAgain(error)) {
        this.#silent.note(request.signal, error, askedMs);
        return undefined;
      }
      return { kind: 'whole', bytes: writeJson([{ statementId: 0, ...failed(error) }], { epochUnitNs: undefined }) }; // prettier-ignore
    }
  }

  #start({ statements, database, principal, timeoutMs, signal }: QueryRequest): QueryTicket {
    const text = (): string => statements.map(printStatement).join(';\n');
    return this.#ports.registry.start({ text, database, user: principal.name, timeoutMs, signal });
  }

  async *execute(request: QueryRequest): AsyncGenerator<StatementResult> {
    const { statements } = request;
    let ticket;
    try {
      ticket = this.#start(request);
    } catch (error) {
      yield { statementId: 0, series: [], error: errorText(error) };
      return;
    }
    const { signal } = ticket;
    const failedBefore = this.#silent.of(request.signal);
    let failed = false;
    try {
      for (const [statementId, statement] of statements.entries()) {
        if (failed) {
          yield { statementId, series: [], error: 'not executed' };
          continue;
        }
        this.#queryLog?.note(statement, statementId, request);
        for await (const result of this.#results(statement, { ...request, signal, failedBefore })) {
          failed = result.error !== undefined && result.goesOn !== true;
          ticket.idle(true);
          yield { ...result, statementId };
          ticket.idle(false);
        }
      }
    } finally {
      ticket.done();
    }
  }

  /** One result, or the pieces of a SELECT's answer, each but the last `partial`. */
  async *#results(
    statement: Statement,
    request: QueryRequest,
  ): AsyncGenerator<Omit<StatementResult, 'statementId'>> {
    const { heldBytesMax = 0 } = request;
    if (statement.kind !== 'select' || statement.target !== undefined) {
      yield await this.#run(statement, request);
      return;
    }
    let held: OutputSeries | undefined;
    try {
      const context = this.#selectContext(statement, request);
      for await (const batch of streamSelect(statement, heldBytesMax, context, this.#ports)) {
        const known = held === undefined ? batch : [held, ...batch];
        held = known.at(-1);
        if (known.length > 1) yield { series: known.slice(0, -1), partial: true };
      }
      yield { series: held === undefined ? [] : [held] };
    } catch (error) {
      if (held !== undefined) yield { series: [held], partial: true };
      yield this.#failed(statement, request, error);
    }
  }

  async #run(
    statement: Statement,
    request: QueryRequest,
  ): Promise<Omit<StatementResult, 'statementId'>> {
    try {
      const notes: ResultMessage[] = [];
      const series = await this.#series(statement, request, notes);
      if (request.signal.aborted) throw request.signal.reason;
      if (isDbError(series)) return { series: [], error: errorText(series), goesOn: true };
      request.listing?.answered();
      const messages = request.isReadOnly
        ? [...notes, ...this.#warnings(statement, request)]
        : notes;
      const isWhole = wholeKinds.has(statement.kind);
      return { series, ...(messages.length > 0 && { messages }), ...(isWhole && { isWhole }) };
    } catch (error) {
      return this.#failed(statement, request, error);
    }
  }

  /** Of a GET that changes something: the reference says nothing of a DELETE, nor of what is explained alone. */
  #warnings(statement: Statement, request: QueryRequest): readonly ResultMessage[] {
    const isUnheard = statement.kind === 'delete' || statement.kind === 'explain';
    if (isUnheard || isReadOnly(statement)) return [];
    const use = `deprecated use of '${printStatement(withNames(statement, request, this.#ports.meta))}' in a read only context`; // prettier-ignore
    return [{ level: 'warning', text: `${use}, please use a POST request instead` }];
  }

  /** What a statement says that failed: why it was ended, if it was. */
  #failed(
    statement: Statement,
    { signal }: QueryRequest,
    error: unknown,
  ): Omit<StatementResult, 'statementId'> {
    const reason: unknown = signal.aborted ? signal.reason : error;
    if ((!isDbError(error) || error.code === 'internal') && !signal.aborted) {
      this.#ports.log.error('A statement failed in a way nobody expected', {
        statement: printStatement(statement),
        error: errorPlace(error),
      });
    }
    return { series: [], error: errorText(reason) };
  }

  /** An error that is given back, and not thrown, is an answer. `notes` gets what else there is to say. */
  async #series(
    statement: Statement,
    request: QueryRequest,
    notes: ResultMessage[],
  ): Promise<readonly OutputSeries[] | DbError> {
    const { meta, queries } = this.#ports;
    const context = this.#selectContext(statement, request);
    switch (statement.kind) {
      case 'select':
        return [await runInto(statement, context, this.#ports)];
      case 'explain':
        return [await explain(statement, context, this.#ports)];
      case 'show-databases':
        return [showDatabases(meta.catalog, request.principal)];
      case 'show-retention-policies':
        return [showRetentionPolicies(meta.catalog, statement.database || request.database)];
      case 'show-continuous-queries':
        return showContinuousQueries(meta.catalog, request.principal);
      case 'execute-continuous-query':
        return [await executeContinuousQuery(statement, context, this.#ports)];
      case 'show-subscriptions':
        return showSubscriptions(meta.catalog);
      case 'show-shards':
        return showShards(meta.catalog);
      case 'show-shard-groups':
        return [showShardGroups(meta.catalog)];
      case 'show-measurements':
      case 'show-series':
      case 'show-field-keys':
      case 'show-tag-keys':
      case 'show-tag-values':
      case 'show-cardinality':
        return shownSchema(statement, { ...context, listing: request.listing }, this.#ports, notes);
      case 'delete':
      case 'drop-series':
      case 'drop-measurement':
        await deletePoints(statement, context, this.#ports);
        return [];
      case 'show-users':
        return [showUsers(meta.catalog)];
      case 'show-grants':
        return [showGrants(meta.catalog, statement.user)];
      case 'create-user':
      case 'drop-user':
      case 'set-password':
      case 'grant':
      case 'revoke':
      case 'grant-admin':
      case 'revoke-admin':
        await changeUsers(statement, this.#ports);
        return [];
      case 'drop-shard':
        await this.#dropShard(statement.shardId);
        return [];
      case 'show-stats':
        if (statement.module === 'indexes') return showIndexes(await this.#ports.indexBytes());
        return showStats(await this.#ports.statistics.read(), statement.module);
      case 'show-diagnostics':
        return showDiagnostics(this.#ports.diagnostics(), statement.module);
      case 'show-queries':
        return [await shownQueries(queries, request, notes)];
      case 'kill-query':
        if (statement.queryId > Number.MAX_SAFE_INTEGER)
          throw new DbError('not_found', `no such query id: ${statement.queryId}`);
        await queries.kill(Number(statement.queryId), statement.host);
        return [];
      default:
        return this.#change(statement, request);
    }
  }

  /**
   * The owners remove what is on their disks when they hear of it. A shard that is gone already is no error in a cluster, where the
   * first of two requests may have lost its answer (spec F40), and which shards there are the metas know; one server alone says so, as
   * the reference's does.
   */
  async #dropShard(shardId: bigint): Promise<void> {
    const { clock, meta, heardByAll } = this.#ports;
    const isAlone = meta.catalog.dataNodes.length <= 1;
    if (isAlone && findShard(meta.catalog, Number(shardId)) === undefined)
      throw new DbError('shard_not_found', 'shard not found');
    // No shard has such a number, nor has a command room for it.
    if (shardId > Number.MAX_SAFE_INTEGER) return;
    await meta.execute({ kind: 'drop-shard', shardId: Number(shardId), nowNs: clock.wallNs() });
    await heardByAll();
  }

  async #change(statement: Statement, place: RequestPlace): Promise<readonly OutputSeries[]> {
    const command = catalogCommand(statement, this.#ports.meta.catalog, { ...place, makesBareDatabases: this.#ports.makesBareDatabases }); // prettier-ignore
    if (command === undefined) {
      const name = statement.kind.replaceAll('-', ' ').toUpperCase();
      throw new DbError('unsupported', `${name} is not supported in this version`);
    }
    checkName(command);
    if ('database' in command) {
      // Whether it is there the metas know: this node's catalog may be of a moment ago.
      const isQuery = command.kind === 'create-continuous-query';
      const made = isQuery ? { ...command, nowNs: this.#ports.clock.wallNs() } : command;
      await this.#ports.meta.execute(made);
    } else await this.#ports.meta.execute(command);
    if (heardKinds.has(command.kind)) await this.#ports.heardByAll();
    return [];
  }

  #selectContext(statement: Statement, request: QueryRequest): SelectContext {
    const { database, retentionPolicy, bucketsMax, signal, pinnedNodeId, failedBefore } = request;
    const nowNs = this.#ports.clock.wallNs();
    const rules = statementRules(statement, request);
    return { database, retentionPolicy, bucketsMax, signal, nowNs, pinnedNodeId, failedBefore, rules }; // prettier-ignore
  }
}

/** Of a SHOW there are no chunks. */
function mayBeParts(statement: Statement, { chunkRowsMax }: AnswerForm): boolean {
  if (statement.kind === 'select') return statement.target === undefined;
  return isListed(statement) && chunkRowsMax === undefined;
}

/** What the reference has at hand before it answers: all of it is one chunk. */
const wholeKinds: ReadonlySet<Statement['kind']> = new Set([
  'show-continuous-queries',
  'show-subscriptions',
  'show-shards',
  'show-stats',
  'show-diagnostics',
]);

/** The reference looks at new names before anything else. */
function checkName(command: Command): void {
  const name =
    command.kind === 'create-database' || command.kind === 'create-bare-database'
      ? command.name
      : command.kind === 'create-retention-policy'
        ? command.policy.name
        : undefined;
  if (name === '') throw new DbError('invalid_argument', 'invalid name');
}

async function shownSchema(
  statement: ShowSchema,
  context: ShowContext,
  ports: StatementPorts,
  notes: ResultMessage[],
): Promise<readonly OutputSeries[] | DbError> {
  const leftOut = new LeftOutShards();
  const shown = await showSchema(statement, { ...context, leftOut }, ports);
  notes.push(...leftOut.messages);
  return shown;
}

async function shownQueries(
  queries: ClusterQueries,
  { principal, signal }: QueryRequest,
  notes: ResultMessage[],
): Promise<OutputSeries> {
  const { series, messages } = await queries.show(principal, signal);
  notes.push(...messages);
  return series;
}

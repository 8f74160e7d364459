/**
 * InfluxQL as plain data (spec 6). Every node has a `kind`; a switch over it covers every tag. Integers, durations and
 * times are bigint, since int64 is exact everywhere.
 */
export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '&'
  | '|'
  | '^'
  | 'AND'
  | 'OR'
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '=~'
  | '!~';

export type CastType =
  'float' | 'integer' | 'unsigned' | 'string' | 'boolean' | 'tag' | 'field' | 'time' | 'duration';

export type Expr =
  | { readonly kind: 'ref'; readonly name: string; readonly type?: CastType | undefined }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly args: readonly Expr[];
      /** Of distinct(): it was written as `DISTINCT name`. */
      readonly isClause?: boolean;
    }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expr;
      readonly right: Expr;
    }
  | { readonly kind: 'paren'; readonly expr: Expr }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'unsigned'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'duration'; readonly valueNs: bigint }
  /** The source between the slashes, with `\/` undone. */
  | { readonly kind: 'regex'; readonly source: string }
  | { readonly kind: 'wildcard'; readonly of?: 'tag' | 'field' | undefined }
  | { readonly kind: 'distinct'; readonly name: string }
  | { readonly kind: 'list'; readonly names: readonly string[] };

export interface Field {
  readonly expr: Expr;
  readonly alias: string;
}

export interface Measurement {
  readonly kind: 'measurement';
  readonly database: string;
  readonly retentionPolicy: string;
  /** '' when `regex` is there, or in a target of `:MEASUREMENT`. */
  readonly name: string;
  readonly regex?: string | undefined;
}

export interface Subquery {
  readonly kind: 'subquery';
  readonly statement: SelectStatement;
}

export type Source = Measurement | Subquery;

export type Fill =
  | { readonly kind: 'null' | 'none' | 'previous' | 'linear' }
  | { readonly kind: 'number'; readonly value: number | bigint };

export interface SortField {
  readonly name: string;
  readonly ascending: boolean;
}

/** 0 stands for a limit or offset that was not given. */
export interface Paging {
  readonly limit: number;
  readonly offset: number;
  readonly seriesLimit: number;
  readonly seriesOffset: number;
}

export interface SelectStatement extends Paging {
  readonly kind: 'select';
  readonly fields: readonly Field[];
  readonly target?: Measurement | undefined;
  readonly sources: readonly Source[];
  readonly condition?: Expr | undefined;
  readonly dimensions: readonly Expr[];
  /** Absent when the statement has no fill() clause. */
  readonly fill?: Fill | undefined;
  readonly sortFields: readonly SortField[];
  readonly timeZone?: string | undefined;
}

export interface RetentionSpec {
  readonly durationNs?: bigint | undefined;
  readonly replication?: number | undefined;
  readonly shardDurationNs?: bigint | undefined;
  readonly pastLimitNs?: bigint | undefined;
  readonly futureLimitNs?: bigint | undefined;
  readonly name?: string | undefined;
}

/** What the schema statements have in common. */
export interface SchemaQuery extends Paging {
  readonly database: string;
  readonly sources: readonly Source[];
  readonly condition?: Expr | undefined;
  readonly sortFields: readonly SortField[];
}

export interface KeyCondition {
  readonly operator: '=' | '!=' | '=~' | '!~' | 'IN';
  readonly operand: Extract<Expr, { kind: 'string' | 'regex' | 'list' }>;
}

export type CardinalityOf = 'SERIES' | 'MEASUREMENT' | 'TAG KEY' | 'TAG VALUES' | 'FIELD KEY';
export type Privilege = 'READ' | 'WRITE' | 'ALL PRIVILEGES';

export type Statement =
  | SelectStatement
  | {
      readonly kind: 'explain';
      readonly analyze: boolean;
      readonly verbose: boolean;
      readonly statement: SelectStatement;
    }
  | {
      readonly kind: 'delete';
      readonly sources: readonly Source[];
      readonly condition?: Expr | undefined;
    }
  | {
      readonly kind: 'drop-series';
      readonly sources: readonly Source[];
      readonly condition?: Expr | undefined;
    }
  | { readonly kind: 'drop-measurement'; readonly name: string }
  | {
      readonly kind: 'create-database';
      readonly name: string;
      readonly policy?: RetentionSpec | undefined;
    }
  | { readonly kind: 'drop-database'; readonly name: string }
  | { readonly kind: 'show-databases' }
  | {
      readonly kind: 'create-retention-policy' | 'alter-retention-policy';
      readonly name: string;
      readonly database: string;
      readonly policy: RetentionSpec;
      readonly isDefault: boolean;
    }
  | { readonly kind: 'drop-retention-policy'; readonly name: string; readonly database: string }
  | { readonly kind: 'show-retention-policies'; readonly database: string }
  | {
      readonly kind: 'create-continuous-query';
      readonly name: string;
      readonly database: string;
      readonly resampleEveryNs?: bigint | undefined;
      readonly resampleForNs?: bigint | undefined;
      readonly select: SelectStatement;
    }
  | { readonly kind: 'drop-continuous-query'; readonly name: string; readonly database: string }
  | {
      /** Ours: computes windows of the past again, or for the first time. */
      readonly kind: 'execute-continuous-query';
      readonly name: string;
      readonly database: string;
      readonly fromNs: bigint;
      readonly toNs: bigint;
    }
  | { readonly kind: 'show-continuous-queries' }
  | {
      readonly kind: 'create-subscription';
      readonly name: string;
      readonly database: string;
      readonly retentionPolicy: string;
      readonly mode: 'ALL' | 'ANY';
      readonly destinations: readonly string[];
    }
  | {
      readonly kind: 'drop-subscription';
      readonly name: string;
      readonly database: string;
      readonly retentionPolicy: string;
    }
  | { readonly kind: 'show-subscriptions' }
  | {
      readonly kind: 'create-user';
      readonly name: string;
      readonly password: string;
      readonly isAdmin: boolean;
    }
  | { readonly kind: 'drop-user'; readonly name: string }
  | { readonly kind: 'set-password'; readonly name: string; readonly password: string }
  | {
      readonly kind: 'grant' | 'revoke';
      readonly privilege: Privilege;
      readonly database: string;
      readonly user: string;
    }
  | { readonly kind: 'grant-admin' | 'revoke-admin'; readonly user: string }
  | { readonly kind: 'show-users' }
  | { readonly kind: 'show-grants'; readonly user: string }
  | { readonly kind: 'show-shards' | 'show-shard-groups' | 'show-queries' }
  | { readonly kind: 'drop-shard'; readonly shardId: bigint }
  | { readonly kind: 'kill-query'; readonly queryId: bigint; readonly host: string }
  | { readonly kind: 'show-stats' | 'show-diagnostics'; readonly module: string }
  | ShowMeasurements
  | ({ readonly kind: 'show-series' | 'show-field-keys' } & SchemaQuery)
  | ({
      readonly kind: 'show-tag-keys';
      readonly keys?: KeyCondition | undefined;
    } & SchemaQuery)
  | ({ readonly kind: 'show-tag-values'; readonly keys: KeyCondition } & SchemaQuery)
  | ({
      readonly kind: 'show-cardinality';
      readonly of: CardinalityOf;
      readonly exact: boolean;
      readonly keys?: KeyCondition | undefined;
      readonly dimensions: readonly Expr[];
    } & SchemaQuery);

export interface ShowMeasurements extends SchemaQuery {
  readonly kind: 'show-measurements';
  /** `ON db.rp` and `ON *.*`; both are '' otherwise. */
  readonly retentionPolicy: string;
  readonly wildcardDatabase: boolean;
  readonly wildcardRetentionPolicy: boolean;
  readonly with?: Measurement | undefined;
}

// What the parser makes of a text: statements as plain data, names not yet resolved.
//
// Nodes keep what was written (parentheses, aliases, casts) so that `print.ts` can give the text back and the
// planner can name columns as InfluxDB does. Bind parameters are already replaced by their values.

export type Statement =
  | SelectStatement
  | ExplainStatement
  | ShowStatement
  | CreateDatabase
  | DropStatement
  | DeleteStatement
  | RetentionPolicyStatement
  | ContinuousQueryStatement
  | SubscriptionStatement
  | UserStatement
  | TokenStatement
  | KillQuery;

export interface SelectStatement {
  readonly kind: "select";
  readonly fields: readonly SelectField[];
  readonly into: MeasurementSource | null;
  readonly sources: readonly Source[];
  readonly condition: Node | null;
  /** References, `*`, regexes and at most one call of time(). */
  readonly dimensions: readonly Node[];
  /** null: not written. */
  readonly fill: Fill | null;
  /** Over columns of the answer, tags of GROUP BY and aggregates; null: not written. */
  readonly having: Node | null;
  readonly descending: boolean;
  /** ORDER BY is written, and is not descending: so must be what is around it. */
  readonly isAscending?: true;
  /** 0: no limit (InfluxQL cannot tell LIMIT 0 from none). */
  readonly limit: number;
  readonly offset: number;
  readonly seriesLimit: number;
  readonly seriesOffset: number;
  /** IANA name of tz('...'), null = UTC. */
  readonly timezone: string | null;
}

export interface SelectField {
  readonly expression: Node;
  readonly alias: string | null;
}

export type Source = MeasurementSource | SubquerySource | JoinSource;

/** `"db"."rp"."m"`, `db..m`, `rp.m`, `m`, or a regex in the place of `m`; "" stands for what was left out. */
export interface MeasurementSource {
  readonly kind: "measurement";
  readonly database: string;
  readonly retentionPolicy: string;
  /** "" when `pattern` is given, or after INTO "db"."rp".:MEASUREMENT. */
  readonly name: string;
  readonly pattern: string | null;
}

export interface SubquerySource {
  readonly kind: "subquery";
  readonly statement: SelectStatement;
}

/** `a AS x LEFT JOIN b AS y USING (time, host)`: stands alone in FROM. Its columns are `x.field` and `y.field`. */
export interface JoinSource {
  readonly kind: "join";
  /** At least two, with distinct aliases; the type of the first means nothing. */
  readonly sides: readonly JoinedSource[];
  /** Tags of USING, sorted, the same for every JOIN; time is always among them. */
  readonly keys: readonly string[];
}

export interface JoinedSource {
  readonly type: JoinType;
  readonly source: MeasurementSource | SubquerySource;
  readonly alias: string;
}

/** What stays of a row that meets none: nothing, that of the left, of the right, or both. */
export type JoinType = "inner" | "left" | "right" | "full";

export type Fill =
  | { readonly kind: "null" | "none" | "linear" }
  /** `within`: how far before the range the value may stand that the first windows take; absent: they take none. */
  | { readonly kind: "previous"; readonly within?: DurationNode }
  | { readonly kind: "number"; readonly value: number };

// ---- expressions ------------------------------------------------------------------------------------------

export type Node =
  | { readonly kind: "number"; readonly value: number }
  /** Past int64 the literal is `unsigned`. */
  | { readonly kind: "integer"; readonly value: bigint }
  | { readonly kind: "unsigned"; readonly value: bigint }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "boolean"; readonly value: boolean }
  | DurationNode
  | { readonly kind: "regex"; readonly pattern: string }
  | { readonly kind: "wildcard"; readonly only: "tag" | "field" | null }
  | ReferenceNode
  | CallNode
  | BinaryNode
  | { readonly kind: "paren"; readonly inner: Node }
  /** `DISTINCT value` without parentheses. */
  | { readonly kind: "distinct"; readonly name: string; readonly place?: string };

/** Units of fixed length summed in `ns`, and beside them months and years, which have none. Both have the same sign. */
export interface DurationNode {
  readonly kind: "duration";
  readonly ns: bigint;
  /** Calendar months; absent: none were written. */
  readonly months?: number;
}

export type CastType = "float" | "integer" | "unsigned" | "string" | "boolean" | "field" | "tag";

export interface ReferenceNode {
  readonly kind: "reference";
  /** Parts of a dotted name joined by ".". */
  readonly name: string;
  readonly cast: CastType | null;
  /** In HAVING, in the conditions of DELETE and where a join is read: "line 1, char 60", for errors that the planner finds. */
  readonly place?: string;
}

export interface CallNode {
  readonly kind: "call";
  /** Lower case. */
  readonly name: string;
  readonly arguments: readonly Node[];
  readonly place?: string;
}

export type NodeOperator =
  | "and"
  | "or"
  | "="
  | "!="
  | "<"
  | "<="
  | ">"
  | ">="
  | "=~"
  | "!~"
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "&"
  | "|"
  | "^";

export interface BinaryNode {
  readonly kind: "binary";
  readonly operator: NodeOperator;
  readonly left: Node;
  readonly right: Node;
}

// ---- the other statements ---------------------------------------------------------------------------------

export interface ExplainStatement {
  readonly kind: "explain";
  readonly analyze: boolean;
  readonly statement: SelectStatement;
}

export type ShowSubject =
  | "databases"
  | "measurements"
  | "series"
  | "tag keys"
  | "tag values"
  | "field keys"
  | "retention policies"
  | "continuous queries"
  | "queries"
  | "users"
  | "tokens"
  | "grants"
  | "shards"
  | "shard groups"
  | "stats"
  | "diagnostics"
  | "subscriptions";

/** Every SHOW; clauses that a subject does not have are empty. */
export interface ShowStatement {
  readonly kind: "show";
  readonly subject: ShowSubject;
  /** SHOW ... CARDINALITY, of measurements, series, tag keys, tag values or field keys. */
  readonly cardinality: "estimated" | "exact" | null;
  /** ON "database", "" = the request's. */
  readonly database: string;
  readonly sources: readonly Source[];
  /** WITH MEASUREMENT or WITH KEY. */
  readonly filter: NameFilter | null;
  readonly condition: Node | null;
  readonly dimensions: readonly Node[];
  readonly descending: boolean;
  readonly limit: number;
  readonly offset: number;
  readonly seriesLimit: number;
  readonly seriesOffset: number;
  /** GRANTS FOR user, STATS or DIAGNOSTICS FOR 'module', CONTINUOUS QUERIES status. */
  readonly of: string;
}

/** Which names: one of `names` (or, negated, none of them), or those that match. */
export type NameFilter =
  | { readonly kind: "names"; readonly names: readonly string[]; readonly negated: boolean }
  | { readonly kind: "regex"; readonly pattern: string; readonly negated: boolean };

export interface CreateDatabase {
  readonly kind: "create database";
  readonly database: string;
  /** WITH DURATION ... NAME ...; null when nothing follows WITH. */
  readonly policy: PolicyOptions | null;
}

/** Durations in ns; undefined = not written. */
export interface PolicyOptions {
  readonly name?: string;
  /** 0 = INF. */
  readonly durationNs?: bigint;
  readonly shardDurationNs?: bigint;
  readonly replication?: number;
  readonly isDefault?: boolean;
}

export type DropStatement =
  | { readonly kind: "drop database"; readonly database: string }
  | { readonly kind: "drop measurement"; readonly measurement: string }
  | { readonly kind: "drop series"; readonly sources: readonly Source[]; readonly condition: Node | null }
  | { readonly kind: "drop shard"; readonly id: bigint };

export interface DeleteStatement {
  readonly kind: "delete";
  /** By name, or by regex those that match; none: whole points. */
  readonly fields: readonly {
    readonly name: string;
    readonly pattern: string | null;
    readonly place: string;
  }[];
  readonly sources: readonly Source[];
  readonly condition: Node | null;
}

export type RetentionPolicyStatement =
  | {
      readonly kind: "create retention policy" | "alter retention policy";
      readonly database: string;
      readonly policy: PolicyOptions & { readonly name: string };
    }
  | { readonly kind: "drop retention policy"; readonly database: string; readonly name: string };

export type ContinuousQueryStatement =
  | {
      readonly kind: "create continuous query";
      readonly database: string;
      readonly name: string;
      readonly everyNs: bigint | null;
      readonly forNs: bigint | null;
      readonly statement: SelectStatement;
    }
  | { readonly kind: "drop continuous query"; readonly database: string; readonly name: string };

export type SubscriptionStatement =
  | {
      readonly kind: "create subscription";
      readonly name: string;
      readonly database: string;
      readonly retentionPolicy: string;
      readonly mode: "all" | "any";
      readonly destinations: readonly string[];
    }
  | {
      readonly kind: "drop subscription";
      readonly name: string;
      readonly database: string;
      readonly retentionPolicy: string;
    };

export type UserStatement =
  | {
      readonly kind: "create user";
      readonly user: string;
      readonly password: string;
      readonly isAdmin: boolean;
    }
  | { readonly kind: "drop user"; readonly user: string }
  | { readonly kind: "set password"; readonly user: string; readonly password: string }
  | {
      readonly kind: "grant" | "revoke";
      readonly privilege: "read" | "write" | "all";
      /** null: ALL PRIVILEGES on everything (an administrator). */
      readonly database: string | null;
      readonly user: string;
    };

/** Tokens let a program in as a user. */
export type TokenStatement =
  | { readonly kind: "create token"; readonly user: string }
  | { readonly kind: "drop token"; readonly id: string };

/** Statements about who may do what. */
export type AccessStatement =
  | UserStatement
  | TokenStatement
  | { readonly kind: "show users" | "show tokens" }
  | { readonly kind: "show grants"; readonly user: string };

export interface KillQuery {
  readonly kind: "kill query";
  readonly id: bigint;
  readonly host: string;
}

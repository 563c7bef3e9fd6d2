// Statements and expressions back to text that parses to the same thing: for EXPLAIN, messages and logs.
import { urlWithoutPassword } from "../base/redact.ts";
import type {
  Fill,
  JoinedSource,
  JoinSource,
  MeasurementSource,
  NameFilter,
  Node,
  PolicyOptions,
  SelectStatement,
  Source,
  Statement,
} from "./ast.ts";
import { formatDuration, goDuration } from "./duration.ts";
import { precedenceOf } from "./parse/expressions.ts";
import { isKeyword } from "./parse/lexer.ts";

export function printNode(node: Node): string {
  switch (node.kind) {
    case "number":
      return printFloat(node.value);
    case "integer":
    case "unsigned":
    case "boolean":
      return String(node.value);
    case "string":
      return quoteString(node.value);
    case "duration":
      return formatDuration(node.ns, node.months);
    case "regex":
      return `/${node.pattern.replaceAll("/", "\\/").replaceAll("\n", "\\n")}/`;
    case "wildcard":
      return node.only === null ? "*" : `*::${node.only}`;
    case "distinct":
      return `DISTINCT ${quoteName(node.name)}`;
    case "reference":
      return quoteName(node.name) + (node.cast === null ? "" : `::${node.cast}`);
    case "call":
      return `${node.name}(${node.arguments.map(printNode).join(", ")})`;
    case "paren":
      return `(${printNode(node.inner)})`;
    case "binary": {
      const precedence = precedenceOf(node.operator);
      const side = (child: Node, lowest: number): string =>
        child.kind === "binary" && precedenceOf(child.operator) < lowest
          ? `(${printNode(child)})`
          : printNode(child);
      const operator =
        node.operator === "and" || node.operator === "or" ? node.operator.toUpperCase() : node.operator;
      return `${side(node.left, precedence)} ${operator} ${side(node.right, precedence + 1)}`;
    }
  }
}

/** What InfluxDB's messages call a node: the name of its Go type. */
export function influxType(node: Node): string {
  const names: Readonly<Record<Node["kind"], string>> = {
    number: "NumberLiteral",
    integer: "IntegerLiteral",
    unsigned: "UnsignedLiteral",
    string: "StringLiteral",
    boolean: "BooleanLiteral",
    duration: "DurationLiteral",
    regex: "RegexLiteral",
    wildcard: "Wildcard",
    distinct: "Distinct",
    reference: "VarRef",
    call: "Call",
    paren: "ParenExpr",
    binary: "BinaryExpr",
  };
  return `*influxql.${names[node.kind]}`;
}

/** Never in a form that reads as an integer or a duration. */
function printFloat(value: number): string {
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text.replace("e+", "e");
}

export function quoteName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) && !isKeyword(name)
    ? name
    : `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

export function quoteString(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
}

export function printSource(source: Source): string {
  if (source.kind === "join") return printJoin(source);
  return source.kind === "subquery" ? `(${printSelect(source.statement)})` : printMeasurement(source);
}

function printJoin({ sides, keys }: JoinSource): string {
  const using = `USING (${["time", ...keys.map(quoteName)].join(", ")})`;
  const side = ({ source, alias }: JoinedSource) => `${printSource(source)} AS ${quoteName(alias)}`;
  const joins = sides.slice(1).map((each) => ` ${each.type.toUpperCase()} JOIN ${side(each)} ${using}`);
  return side(sides[0]!) + joins.join("");
}

function printMeasurement(source: MeasurementSource, isTarget = false): string {
  const prefix =
    source.database !== ""
      ? `${quoteName(source.database)}.${source.retentionPolicy === "" ? "" : quoteName(source.retentionPolicy)}.`
      : source.retentionPolicy === ""
        ? ""
        : `${quoteName(source.retentionPolicy)}.`;
  if (source.pattern !== null) return `${prefix}${printNode({ kind: "regex", pattern: source.pattern })}`;
  return isTarget && source.name === "" ? `${prefix}:MEASUREMENT` : prefix + quoteName(source.name);
}

export function printSelect(statement: SelectStatement): string {
  const fields = statement.fields.map(
    ({ expression, alias }) => printNode(expression) + (alias === null ? "" : ` AS ${quoteName(alias)}`),
  );
  const clauses = [`SELECT ${fields.join(", ")}`];
  if (statement.into !== null) clauses.push(`INTO ${printMeasurement(statement.into, true)}`);
  clauses.push(`FROM ${statement.sources.map(printSource).join(", ")}`, ...printTail(statement));
  if (statement.timezone !== null) clauses.push(`tz(${quoteString(statement.timezone)})`);
  return clauses.join(" ");
}

export function printFill(fill: Fill): string {
  if (fill.kind === "number") return `fill(${fill.value})`;
  const within = fill.kind === "previous" && fill.within !== undefined ? `, ${printNode(fill.within)}` : "";
  return `fill(${fill.kind}${within})`;
}

interface Tail {
  readonly condition: Node | null;
  readonly dimensions: readonly Node[];
  readonly fill?: SelectStatement["fill"];
  readonly having?: Node | null;
  readonly descending: boolean;
  readonly isAscending?: true;
  readonly limit: number;
  readonly offset: number;
  readonly seriesLimit: number;
  readonly seriesOffset: number;
}

/** The clauses that SELECT and SHOW share, in the order of the grammar. */
function printTail(tail: Tail): string[] {
  const clauses: string[] = [];
  if (tail.condition !== null) clauses.push(`WHERE ${printNode(tail.condition)}`);
  if (tail.dimensions.length > 0) clauses.push(`GROUP BY ${tail.dimensions.map(printNode).join(", ")}`);
  if (tail.fill) clauses.push(printFill(tail.fill));
  if (tail.having) clauses.push(`HAVING ${printNode(tail.having)}`);
  if (tail.descending) clauses.push("ORDER BY time DESC");
  else if (tail.isAscending) clauses.push("ORDER BY time ASC");
  if (tail.limit > 0) clauses.push(`LIMIT ${tail.limit}`);
  if (tail.offset > 0) clauses.push(`OFFSET ${tail.offset}`);
  if (tail.seriesLimit > 0) clauses.push(`SLIMIT ${tail.seriesLimit}`);
  if (tail.seriesOffset > 0) clauses.push(`SOFFSET ${tail.seriesOffset}`);
  return clauses;
}

/** Passwords are left out, as this text goes to logs and to SHOW QUERIES. */
export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case "select":
      return printSelect(statement);
    case "explain":
      return `EXPLAIN ${statement.analyze ? "ANALYZE " : ""}${printSelect(statement.statement)}`;
    case "show":
      return printShow(statement);
    case "create database":
      return [
        `CREATE DATABASE ${quoteName(statement.database)}`,
        ...(statement.policy === null ? [] : ["WITH", ...printPolicy(statement.policy, goDuration)]),
        ...(statement.policy?.name === undefined ? [] : ["NAME", quoteName(statement.policy.name)]),
      ].join(" ");
    case "create retention policy":
    case "alter retention policy":
      return [
        `${statement.kind.toUpperCase()} ${quoteName(statement.policy.name)} ON ${quoteName(statement.database)}`,
        ...printPolicy(statement.policy),
      ].join(" ");
    case "drop database":
      return `DROP DATABASE ${quoteName(statement.database)}`;
    case "drop measurement":
      return `DROP MEASUREMENT ${quoteName(statement.measurement)}`;
    case "drop shard":
      return `DROP SHARD ${statement.id}`;
    case "drop series":
    case "delete": {
      const from =
        statement.sources.length === 0 ? "" : ` FROM ${statement.sources.map(printSource).join(", ")}`;
      const where = statement.condition === null ? "" : ` WHERE ${printNode(statement.condition)}`;
      const names = statement.kind === "delete" ? statement.fields : [];
      const fields = names.map(({ name, pattern }) =>
        pattern === null ? quoteName(name) : printNode({ kind: "regex", pattern }),
      );
      const of = fields.length === 0 ? "" : ` ${fields.join(", ")}`;
      return `${statement.kind.toUpperCase()}${of}${from}${where}`;
    }
    case "drop retention policy":
    case "drop continuous query":
      return `${statement.kind.toUpperCase()} ${quoteName(statement.name)} ON ${quoteName(statement.database)}`;
    case "create continuous query": {
      const every = statement.everyNs === null ? "" : ` EVERY ${formatDuration(statement.everyNs)}`;
      const until = statement.forNs === null ? "" : ` FOR ${formatDuration(statement.forNs)}`;
      const resample = every + until === "" ? "" : ` RESAMPLE${every}${until}`;
      const on = `${quoteName(statement.name)} ON ${quoteName(statement.database)}`;
      return `CREATE CONTINUOUS QUERY ${on}${resample} BEGIN ${printSelect(statement.statement)} END`;
    }
    case "create subscription":
    case "drop subscription": {
      const on = `${quoteName(statement.name)} ON ${quoteName(statement.database)}.${quoteName(statement.retentionPolicy)}`;
      if (statement.kind === "drop subscription") return `DROP SUBSCRIPTION ${on}`;
      const destinations = statement.destinations
        .map((each) => quoteString(urlWithoutPassword(each)))
        .join(", ");
      return `CREATE SUBSCRIPTION ${on} DESTINATIONS ${statement.mode.toUpperCase()} ${destinations}`;
    }
    case "create user": {
      const privileges = statement.isAdmin ? " WITH ALL PRIVILEGES" : "";
      return `CREATE USER ${quoteName(statement.user)} WITH PASSWORD [REDACTED]${privileges}`;
    }
    case "set password":
      return `SET PASSWORD FOR ${quoteName(statement.user)} = [REDACTED]`;
    case "create token":
      return `CREATE TOKEN FOR ${quoteName(statement.user)}`;
    case "drop token":
      return `DROP TOKEN ${quoteString(statement.id)}`;
    case "drop user":
      return `DROP USER ${quoteName(statement.user)}`;
    case "grant":
    case "revoke": {
      const on = statement.database === null ? "" : ` ON ${quoteName(statement.database)}`;
      const preposition = statement.kind === "grant" ? "TO" : "FROM";
      const privilege = statement.privilege === "all" ? "all privileges" : statement.privilege;
      return `${`${statement.kind} ${privilege}`.toUpperCase()}${on} ${preposition} ${quoteName(statement.user)}`;
    }
    case "kill query":
      return `KILL QUERY ${statement.id}${statement.host === "" ? "" : ` ON ${quoteName(statement.host)}`}`;
  }
}

function printShow(statement: Statement & { kind: "show" }): string {
  const { subject, cardinality, filter } = statement;
  const words = subject.toUpperCase();
  const clauses = [
    "SHOW",
    cardinality === null ? words : words.replace(/^(MEASUREMENT|TAG KEY|FIELD KEY)S$/, "$1"),
  ];
  if (cardinality !== null) clauses.push(cardinality === "exact" ? "EXACT CARDINALITY" : "CARDINALITY");
  if (subject === "continuous queries") {
    if (statement.of !== "") clauses.push(statement.of.toUpperCase());
  } else if (statement.of !== "")
    clauses.push(`FOR ${subject === "grants" ? quoteName(statement.of) : quoteString(statement.of)}`);
  if (statement.database !== "") clauses.push(`ON ${quoteName(statement.database)}`);
  if (statement.sources.length > 0) clauses.push(`FROM ${statement.sources.map(printSource).join(", ")}`);
  if (filter !== null)
    clauses.push(`WITH ${subject === "measurements" ? "MEASUREMENT" : "KEY"} ${printFilter(filter)}`);
  return [...clauses, ...printTail(statement)].join(" ");
}

function printFilter(filter: NameFilter): string {
  const not = filter.negated;
  if (filter.kind === "regex")
    return `${not ? "!~" : "=~"} ${printNode({ kind: "regex", pattern: filter.pattern })}`;
  if (filter.names.length === 1) return `${not ? "!=" : "="} ${quoteName(filter.names[0]!)}`;
  return `IN (${filter.names.map(quoteName).join(", ")})`;
}

/** InfluxDB prints the durations of CREATE DATABASE otherwise than those of a policy by itself. */
function printPolicy(
  policy: PolicyOptions,
  duration = (ns: bigint): string => (ns === 0n ? "INF" : formatDuration(ns)),
): string[] {
  const options: string[] = [];
  if (policy.durationNs !== undefined) options.push(`DURATION ${duration(policy.durationNs)}`);
  if (policy.replication !== undefined) options.push(`REPLICATION ${policy.replication}`);
  if (policy.shardDurationNs !== undefined)
    options.push(`SHARD DURATION ${duration(policy.shardDurationNs)}`);
  if (policy.isDefault === true) options.push("DEFAULT");
  return options;
}

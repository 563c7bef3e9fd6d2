// What the language has is in some test/query/*.script, in a block that is answered: each function, statement, clause, operator.
// The tables here are typed by the parser's own unions, so that something new does not compile without its line.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  CastType,
  Fill,
  JoinType,
  NameFilter,
  Node,
  NodeOperator,
  PolicyOptions,
  SelectStatement,
  ShowStatement,
  ShowSubject,
  Source,
  Statement,
} from "../src/query/ast.ts";
import { functionNamed, functions } from "../src/query/functions.ts";
import { parseQuery } from "../src/query/parse/parser.ts";
import { parseScript } from "./oracle/script.ts";

/** All that occurs in answered blocks, as `what: which`. */
const seen = new Set<string>();
const see = (what: string, which: string | boolean | null | undefined): void => {
  if (which !== false && which !== null && which !== undefined) seen.add(`${what}: ${which}`);
};

function visitStatement(statement: Statement): void {
  switch (statement.kind) {
    case "select":
      visitSelect(statement);
      break;
    case "explain":
      see("statement", statement.analyze ? "explain analyze" : "explain");
      visitSelect(statement.statement);
      return;
    case "show":
      visitShow(statement);
      return;
    case "create continuous query":
      see("continuous query", statement.everyNs !== null && "every");
      see("continuous query", statement.forNs !== null && "for");
      visitSelect(statement.statement);
      break;
    case "create database":
      visitPolicy("create database", statement.policy ?? {});
      break;
    case "create retention policy":
    case "alter retention policy":
      visitPolicy(statement.kind, statement.policy);
      break;
    case "create subscription":
      see("subscription", statement.mode);
      break;
    case "delete":
    case "drop series":
      see(statement.kind, statement.sources.length > 0 && "from");
      see(statement.kind, statement.condition !== null && "where");
      break;
    case "grant":
    case "revoke":
      see(statement.kind, `${statement.privilege}${statement.database === null ? "" : " on"}`);
      break;
  }
  see("statement", statement.kind);
}

function visitPolicy(what: string, options: PolicyOptions): void {
  for (const [option, value] of Object.entries(options)) see(what, value !== undefined && option);
}

function visitShow(statement: ShowStatement): void {
  const what = `show ${statement.subject}${statement.cardinality === null ? "" : ` ${statement.cardinality}`}`;
  see("statement", what);
  const clauses: Record<string, boolean> = {
    on: statement.database !== "",
    from: statement.sources.length > 0,
    where: statement.condition !== null,
    "group by": statement.dimensions.length > 0,
    "order by": statement.descending,
    limit: statement.limit > 0,
    offset: statement.offset > 0,
    slimit: statement.seriesLimit > 0,
    soffset: statement.seriesOffset > 0,
    of: statement.of !== "",
  };
  for (const [clause, isThere] of Object.entries(clauses)) see(what, isThere && clause);
  if (statement.filter !== null) see(what, `with ${operatorOf(statement.filter)}`);
  if (statement.condition !== null) visitNode(statement.condition);
  for (const node of [...namesIn(statement.condition)]) see(what, node === "time" && "where time");
}

const operatorOf = (filter: NameFilter): string =>
  filter.kind === "regex"
    ? filter.negated
      ? "!~"
      : "=~"
    : filter.names.length > 1
      ? "in"
      : filter.negated
        ? "!="
        : "=";

function* namesIn(node: Node | null): Generator<string> {
  if (node === null) return;
  if (node.kind === "reference") yield node.name;
  if (node.kind === "paren") yield* namesIn(node.inner);
  if (node.kind === "binary") for (const side of [node.left, node.right]) yield* namesIn(side);
  if (node.kind === "call") for (const argument of node.arguments) yield* namesIn(argument);
}

function visitSelect(statement: SelectStatement, depth = 0): void {
  const clauses: Record<string, boolean> = {
    into: statement.into !== null,
    "into :measurement": statement.into !== null && statement.into.name === "",
    where: statement.condition !== null,
    having: statement.having !== null,
    "order by": statement.descending,
    limit: statement.limit > 0,
    offset: statement.offset > 0,
    slimit: statement.seriesLimit > 0,
    soffset: statement.seriesOffset > 0,
    tz: statement.timezone !== null,
    as: statement.fields.some(({ alias }) => alias !== null),
    "several sources": statement.sources.length > 1,
  };
  for (const [clause, isThere] of Object.entries(clauses)) see("select", isThere && clause);
  if (statement.fill !== null) {
    see("fill", statement.fill.kind);
    see("fill", statement.fill.kind === "previous" && statement.fill.within && "previous within");
  }
  for (const { expression } of statement.fields) visitNode(expression);
  for (const node of [statement.condition, statement.having]) if (node !== null) visitNode(node);
  for (const dimension of statement.dimensions) {
    see("group by", dimension.kind === "call" ? "time" : dimension.kind);
    if (dimension.kind !== "call") continue;
    const [every, offset] = dimension.arguments;
    see("group by", every?.kind === "duration" && every.months !== undefined && "time of months");
    see("group by", offset !== undefined && "time with offset");
    see("group by", offset?.kind === "call" && "time with offset now()");
  }
  for (const source of statement.sources) visitSource(source, depth);
}

function visitSource(source: Source, depth: number): void {
  switch (source.kind) {
    case "measurement": {
      const { database, retentionPolicy, pattern } = source;
      see("source", pattern === null ? "name" : "regex");
      see("source", database !== "" && (retentionPolicy === "" ? "db..m" : "db.rp.m"));
      see("source", database === "" && retentionPolicy !== "" && "rp.m");
      return;
    }
    case "subquery":
      see("source", depth === 0 ? "subquery" : depth === 1 ? "subquery in a subquery" : "three deep");
      visitSelect(source.statement, depth + 1);
      return;
    case "join":
      source.sides.forEach(({ type, source: side }, index) => {
        see("join", index > 0 && type);
        visitSource(side, depth);
      });
  }
}

function visitNode(node: Node): void {
  see("node", node.kind);
  switch (node.kind) {
    case "reference":
      see("cast", node.cast);
      break;
    case "wildcard":
      see("wildcard", node.only ?? "all");
      break;
    case "duration":
      see("duration", node.months !== undefined && "months");
      break;
    case "call":
      see("function", node.name);
      see("function", functionNamed(node.name)?.name);
      for (const argument of node.arguments) {
        see("argument", argument.kind);
        visitNode(argument);
      }
      break;
    case "paren":
      visitNode(node.inner);
      break;
    case "binary":
      see("operator", node.operator);
      visitNode(node.left);
      visitNode(node.right);
  }
}

const folder = join(import.meta.dir, "query");
const texts: string[] = [];
for (const name of readdirSync(folder))
  for (const block of parseScript(readFileSync(join(folder, name), "utf8")))
    if (block.kind === "query" && block.error === null) {
      texts.push(block.text);
      parseQuery(block.text).forEach((statement, index) => {
        if (!block.expected[index]?.includes('"error"')) visitStatement(statement);
      });
    }

// ---- what there is: true, or the test that has it, where the answer changes from run to run -------------------

type Table<K extends string> = Readonly<Record<K, true | string>>;

const statements: Table<Exclude<Statement["kind"], "show"> | "explain analyze"> = {
  select: true,
  explain: true,
  "explain analyze": "query-execute.test.ts",
  delete: true,
  "create database": true,
  "drop database": true,
  "drop measurement": true,
  "drop series": true,
  "drop shard": true,
  "create retention policy": true,
  "alter retention policy": true,
  "drop retention policy": true,
  "create continuous query": true,
  "drop continuous query": true,
  "create subscription": true,
  "drop subscription": true,
  "create user": true,
  "drop user": true,
  "set password": true,
  grant: true,
  revoke: true,
  "create token": "users.test.ts",
  "drop token": "users.test.ts",
  "kill query": "queries.test.ts",
};

const subjects: Table<ShowSubject> = {
  databases: true,
  measurements: true,
  series: true,
  "tag keys": true,
  "tag values": true,
  "field keys": true,
  "retention policies": true,
  "continuous queries": true,
  queries: "queries.test.ts",
  users: true,
  tokens: "users.test.ts",
  grants: true,
  shards: true,
  "shard groups": true,
  stats: true,
  diagnostics: true,
  subscriptions: true,
};

const operators: Table<NodeOperator> = {
  and: true,
  or: true,
  "=": true,
  "!=": true,
  "<": true,
  "<=": true,
  ">": true,
  ">=": true,
  "=~": true,
  "!~": true,
  "+": true,
  "-": true,
  "*": true,
  "/": true,
  "%": true,
  "&": true,
  "|": true,
  "^": true,
};

const casts: Table<CastType> = {
  float: true,
  integer: true,
  unsigned: true,
  string: true,
  boolean: true,
  field: true,
  tag: true,
};

const nodes: Table<Node["kind"]> = {
  number: true,
  integer: true,
  unsigned: true,
  string: true,
  boolean: true,
  duration: true,
  regex: true,
  wildcard: true,
  reference: true,
  call: true,
  binary: true,
  paren: true,
  distinct: true,
};

const fills: Table<Fill["kind"] | "previous within"> = {
  null: true,
  none: true,
  linear: true,
  previous: true,
  "previous within": true,
  number: true,
};

const joins: Table<JoinType> = { inner: true, left: true, right: true, full: true };

const policyOptions = [
  "durationNs",
  "shardDurationNs",
  "replication",
] as const satisfies readonly (keyof PolicyOptions)[];

const names = ["series", "tag keys", "tag values", "field keys", "measurements"] as const;

const listed = <K extends string>(what: string, table: Table<K>): string[] =>
  Object.entries(table).flatMap(([which, where]) => (where === true ? [`${what}: ${which}`] : []));

const wanted: string[] = [
  ...Object.keys(functions).map((name) => `function: ${name}`),
  ...["avg", "range", "percentile90", "now"].map((name) => `function: ${name}`),
  ...listed("statement", statements),
  ...Object.entries(subjects).flatMap(([subject, where]) =>
    where === true ? [`statement: show ${subject}`] : [],
  ),
  ...names.flatMap((subject) => ["estimated", "exact"].map((form) => `statement: show ${subject} ${form}`)),
  ...listed("operator", operators),
  ...listed("cast", casts),
  ...listed("node", nodes),
  ...listed("fill", fills),
  ...listed("join", joins),
  ...["all", "tag", "field"].map((which) => `wildcard: ${which}`),
  ...["reference", "wildcard", "regex", "call", "distinct", "integer", "duration"].map(
    (kind) => `argument: ${kind}`,
  ),
  ..."into,into :measurement,where,having,order by,limit,offset,slimit,soffset,tz,as,several sources"
    .split(",")
    .map((clause) => `select: ${clause}`),
  ..."time,time with offset,time with offset now(),time of months,reference,wildcard,regex"
    .split(",")
    .map((kind) => `group by: ${kind}`),
  ..."name,regex,rp.m,db..m,db.rp.m,subquery,subquery in a subquery,three deep"
    .split(",")
    .map((kind) => `source: ${kind}`),
  // SHOW: what influxd's parser takes for each
  ..."on,with =,with =~,where,limit,offset".split(",").map((clause) => `show measurements: ${clause}`),
  ..."on,from,where,where time,limit,offset".split(",").map((clause) => `show series: ${clause}`),
  ..."on,from,where,where time,limit,offset,slimit,soffset"
    .split(",")
    .map((clause) => `show tag keys: ${clause}`),
  ..."on,from,with =,with !=,with =~,with !~,with in,where,where time,limit,offset"
    .split(",")
    .map((clause) => `show tag values: ${clause}`),
  ..."on,from,limit,offset".split(",").map((clause) => `show field keys: ${clause}`),
  "show retention policies: on",
  "show grants: of",
  "show stats: of",
  "show diagnostics: of",
  "show continuous queries: of",
  ...["series", "measurements", "tag keys", "tag values", "field keys"].flatMap((subject) =>
    ["on", "from", "where", "group by", "limit", "offset"].map(
      (clause) => `show ${subject} exact: ${clause}`,
    ),
  ),
  ...["tag keys", "tag values", "field keys", "series"].flatMap((subject) =>
    ["on", "from", "where", "group by"].map((clause) => `show ${subject} estimated: ${clause}`),
  ),
  ...policyOptions.flatMap((option) =>
    ["create database", "create retention policy", "alter retention policy"].map(
      (what) => `${what}: ${option}`,
    ),
  ),
  "create database: name",
  "create retention policy: isDefault",
  "alter retention policy: isDefault",
  "continuous query: every",
  "continuous query: for",
  "subscription: all",
  "subscription: any",
  ...["delete", "drop series"].flatMap((what) => [`${what}: from`, `${what}: where`]),
  ...["grant", "revoke"].flatMap((what) =>
    ["read on", "write on", "all on", "all"].map((privilege) => `${what}: ${privilege}`),
  ),
];

test.each(wanted)("a script has %s", (what) => {
  expect(seen.has(what)).toBe(true);
});

const elsewhere = [
  statements,
  Object.fromEntries(Object.entries(subjects).map(([what, where]) => [`show ${what}`, where])),
].flatMap((table) => Object.entries(table).filter(([, where]) => where !== true));

test.each(elsewhere)("%s is asked in %s", (what, where) => {
  expect(readFileSync(join(import.meta.dir, where as string), "utf8").toLowerCase()).toContain(what);
});

/** What the parser leaves no trace of. */
const written: readonly (readonly [string, RegExp])[] = [
  ["comments to the end of the line", /--.*\n/],
  ["comments", /\/\*.*\*\//s],
  ["BETWEEN", /\bBETWEEN\b/],
  ["<>", /<>/],
  ["compound durations", /\d[smhdw]\d+[a-z]/],
  ["SELECT DISTINCT", /SELECT DISTINCT [a-z]/],
  ["several statements", /;\s*\w/],
  ...["ns", "u", "µ", "ms", "s", "m", "h", "d", "w", "mo", "y"].map(
    (unit) => [`durations in ${unit}`, new RegExp(`\\b\\d+${unit}(?!\\w)`)] as const,
  ),
];

test.each(written)("a script has %s", (_what, pattern) => {
  expect(texts.some((text) => pattern.test(text))).toBe(true);
});

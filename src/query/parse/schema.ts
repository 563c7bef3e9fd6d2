// Statements that make, change and remove things: databases, retention policies, measurements, series, points.
import type {
  CreateDatabase,
  DeleteStatement,
  Node,
  PolicyOptions,
  Source,
  Statement,
  SubscriptionStatement,
} from "../ast.ts";
import { parseCreateContinuousQuery } from "./continuous.ts";
import type { Cursor } from "./cursor.ts";
import { parseError } from "./errors.ts";
import { parseCondition } from "./select.ts";
import { parseSources } from "./sources.ts";
import { parseCreateToken, parseCreateUser, parseDropToken } from "./users.ts";

/** After the word CREATE. */
export function parseCreate(cursor: Cursor): Statement {
  if (cursor.takeWord("token")) return parseCreateToken(cursor);
  const word = cursor.expectKeyword("CONTINUOUS", "DATABASE", "USER", "RETENTION", "SUBSCRIPTION");
  switch (word) {
    case "DATABASE":
      return parseCreateDatabase(cursor);
    case "USER":
      return parseCreateUser(cursor);
    case "RETENTION": {
      cursor.expectKeyword("POLICY");
      const name = cursor.expectIdentifier();
      cursor.expectKeyword("ON");
      const database = cursor.expectIdentifier();
      const first = parsePolicyOptions(cursor, ["DURATION"]);
      if (first.durationNs === undefined) throw cursor.found("DURATION");
      const second = parsePolicyOptions(cursor, ["REPLICATION"]);
      if (second.replication === undefined) throw cursor.found("REPLICATION");
      const policy = { ...first, ...second, ...parseInOrder(cursor, ["SHARD", "DEFAULT"]) };
      return { kind: "create retention policy", database, policy: { ...policy, name } };
    }
    case "CONTINUOUS":
      return parseCreateContinuousQuery(cursor);
    default:
      return parseCreateSubscription(cursor);
  }
}

const MOST_REPLICAS = 2_147_483_647;

function parseCreateDatabase(cursor: Cursor): CreateDatabase {
  const database = cursor.expectIdentifier();
  if (!cursor.takeKeyword("WITH")) return { kind: "create database", database, policy: null };
  const options = ["DURATION", "REPLICATION", "SHARD", "NAME"];
  if (!cursor.isKeyword(...options)) throw cursor.found("DURATION", "NAME", "REPLICATION", "SHARD");
  return { kind: "create database", database, policy: parseInOrder(cursor, options, true) };
}

/** Each at most once, in this order. */
function parseInOrder(
  cursor: Cursor,
  options: readonly string[],
  takesInfiniteShards = false,
): PolicyOptions {
  let policy: PolicyOptions = {};
  for (const option of options)
    policy = { ...policy, ...parsePolicyOptions(cursor, [option], takesInfiniteShards) };
  return policy;
}

/** DURATION d, REPLICATION n, SHARD DURATION d, DEFAULT and NAME n, each at most once, in any order. Shards of INF: as long as the policy wants. */
function parsePolicyOptions(
  cursor: Cursor,
  allowed: readonly string[],
  takesInfiniteShards = false,
): PolicyOptions {
  let policy: PolicyOptions = {};
  const left = new Set(allowed);
  while (cursor.isKeyword(...left)) {
    const word = cursor.next().text;
    left.delete(word);
    if (word === "DURATION") policy = { ...policy, durationNs: parseRetention(cursor) };
    else if (word === "REPLICATION") policy = { ...policy, replication: parseReplication(cursor) };
    else if (word === "DEFAULT") policy = { ...policy, isDefault: true };
    else if (word === "NAME") policy = { ...policy, name: cursor.expectIdentifier() };
    else {
      cursor.expectKeyword("DURATION");
      if (!takesInfiniteShards && cursor.isKeyword("INF"))
        throw cursor.error("invalid duration INF for shard duration", cursor.peek());
      policy = { ...policy, shardDurationNs: parseRetention(cursor) };
    }
  }
  return policy;
}

function parseRetention(cursor: Cursor): bigint {
  return cursor.takeKeyword("INF") ? 0n : cursor.expectDuration();
}

function parseCreateSubscription(cursor: Cursor): SubscriptionStatement {
  const name = cursor.expectIdentifier();
  const [database, retentionPolicy] = parseOnPolicy(cursor);
  cursor.expectKeyword("DESTINATIONS");
  const mode = cursor.expectKeyword("ALL", "ANY") === "ALL" ? "all" : "any";
  const destinations: string[] = [];
  do destinations.push(cursor.expectString());
  while (cursor.takeOperator(","));
  return { kind: "create subscription", name, database, retentionPolicy, mode, destinations };
}

function parseReplication(cursor: Cursor): number {
  const token = cursor.peek();
  const count = cursor.expectCount();
  if (count < 1 || count > MOST_REPLICAS)
    throw cursor.error(`invalid value ${token.text}: must be 1 <= n <= ${MOST_REPLICAS}`, token);
  return count;
}

/** ON "database"."retention policy" */
function parseOnPolicy(cursor: Cursor): [database: string, retentionPolicy: string] {
  cursor.expectKeyword("ON");
  const database = cursor.expectIdentifier();
  cursor.expectOperator(".");
  return [database, cursor.expectIdentifier()];
}

/** After the word DROP. */
export function parseDrop(cursor: Cursor): Statement {
  if (cursor.takeWord("token")) return parseDropToken(cursor);
  const word = cursor.expectKeyword(
    "CONTINUOUS",
    "DATABASE",
    "MEASUREMENT",
    "RETENTION",
    "SERIES",
    "SHARD",
    "SUBSCRIPTION",
    "USER",
  );
  switch (word) {
    case "DATABASE":
      return { kind: "drop database", database: cursor.expectIdentifier() };
    case "MEASUREMENT":
      return { kind: "drop measurement", measurement: cursor.expectIdentifier() };
    case "SERIES":
      return { kind: "drop series", ...parseSelection(cursor) };
    case "SHARD":
      return { kind: "drop shard", id: BigInt(cursor.expectCount()) };
    case "USER":
      return { kind: "drop user", user: cursor.expectIdentifier() };
    case "SUBSCRIPTION": {
      const name = cursor.expectIdentifier();
      const [database, retentionPolicy] = parseOnPolicy(cursor);
      return { kind: "drop subscription", name, database, retentionPolicy };
    }
    default: {
      const isPolicy = word === "RETENTION";
      cursor.expectKeyword(isPolicy ? "POLICY" : "QUERY");
      const name = cursor.expectIdentifier();
      cursor.expectKeyword("ON");
      const database = cursor.expectIdentifier();
      return { kind: isPolicy ? "drop retention policy" : "drop continuous query", database, name };
    }
  }
}

/** After ALTER. */
export function parseAlter(cursor: Cursor): Statement {
  cursor.expectKeyword("RETENTION");
  cursor.expectKeyword("POLICY");
  // (InfluxDB takes the word for a name here)
  const name = cursor.takeKeyword("DEFAULT") ? "default" : cursor.expectIdentifier();
  cursor.expectKeyword("ON");
  const database = cursor.expectIdentifier();
  const options = ["DURATION", "REPLICATION", "SHARD", "DEFAULT"];
  if (!cursor.isKeyword(...options)) throw cursor.found(...options);
  const policy = { ...parsePolicyOptions(cursor, options), name };
  const again = cursor.peek();
  if (cursor.isKeyword(...options)) throw cursor.error(`found duplicate ${again.text} option`, again);
  return { kind: "alter retention policy", database, policy };
}

/** After DELETE. Fields before FROM are ours. */
export function parseDelete(cursor: Cursor): DeleteStatement {
  const fields: { name: string; pattern: string | null; place: string }[] = [];
  for (;;) {
    const pattern = cursor.takeRegex();
    const place = cursor.position(cursor.peek().offset);
    if (pattern !== null) fields.push({ name: "", pattern, place });
    else if (cursor.peek().kind === "identifier" || fields.length > 0)
      fields.push({ name: cursor.expectIdentifier(), pattern: null, place });
    else break;
    if (!cursor.takeOperator(",")) break;
  }
  if (fields.length > 0 && !cursor.isKeyword("FROM")) throw cursor.found(",", "FROM");
  return { kind: "delete", fields, ...parseSelection(cursor) };
}

/** FROM, WHERE or both; without either a slip would remove everything. */
function parseSelection(cursor: Cursor): {
  sources: readonly Source[];
  condition: Node | null;
} {
  if (!cursor.isKeyword("FROM", "WHERE")) throw cursor.found("FROM", "WHERE");
  const sources = cursor.takeKeyword("FROM") ? parseSources(cursor, false) : [];
  const qualified = (part: "database" | "retentionPolicy") =>
    sources.some((source) => source.kind === "measurement" && source[part] !== "");
  // InfluxDB places both at the beginning
  if (qualified("retentionPolicy")) throw parseError("retention policy not supported at line 1, char 1");
  if (qualified("database")) throw parseError("database not supported at line 1, char 1");
  return { sources, condition: cursor.withPlaces(() => parseCondition(cursor)) };
}

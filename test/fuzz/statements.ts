// Generated statements: SELECT, SHOW, EXPLAIN of what cannot run, and texts that are no statement.
import { comparesTags, deletesByTwoTags, dependsOnOrder } from "./differences/claims.ts";
import type { Draw } from "./draw.ts";
import { fieldName, identifier, regexOf, scopeOf, tagName } from "./names.ts";
import { nodesOf } from "./rewrite.ts";
import type { Schema } from "./schema.ts";
import { drawSelect } from "./select.ts";
import { condition, timeRange } from "./where.ts";

/** One statement that changes nothing. */
export function drawStatement(draw: Draw, schema: Schema, database: string): string {
  return draw.weighted(
    [70, () => drawSelect(draw, { schema, database, depth: 2 }).text],
    [22, () => drawShow(draw, schema, database)],
    [8, () => illFormed(draw, schema, database)],
  );
}

const limits = (draw: Draw) =>
  `${draw.maybe(0.2, () => ` LIMIT ${draw.between(1, 4)}`)}${draw.maybe(0.1, () => ` OFFSET ${draw.below(3)}`)}`;

export function drawShow(draw: Draw, schema: Schema, database: string): string {
  const table = draw.pick(schema.tables);
  const scope = scopeOf([table]);
  const on = () => draw.maybe(0.2, () => ` ON ${draw.of(database, database, "nope")}`);
  const from = () =>
    draw.maybe(0.5, () => {
      const name = identifier(draw, table.name);
      const other = identifier(draw, draw.pick(schema.tables).name);
      return ` FROM ${draw.weighted([6, name], [1, `${name}, ${other}`], [2, regexOf(draw, table.name)], [0.5, "nope"], [0.5, `autogen.${name}`])}`;
    });
  const tags = { ...scope, fields: [] };
  const where = () =>
    draw.maybe(
      0.35,
      () =>
        ` WHERE ${draw.weighted([8, () => condition(draw, tags, 1)], [1, () => condition(draw, scope, 1)])}`,
    );
  const withKey = () => {
    const key = () => tagName(draw, scope);
    const one = scope.tags.length > 0 ? draw.pick(scope.tags).name : "x";
    return draw.weighted(
      [5, () => ` WITH KEY = ${key()}`],
      [2, () => ` WITH KEY != ${key()}`],
      [2, () => ` WITH KEY IN (${key()}, ${key()})`],
      [2, () => ` WITH KEY =~ ${regexOf(draw, one)}`],
      [1, () => ` WITH KEY !~ ${regexOf(draw, one)}`],
    );
  };
  const exact = () => draw.of("EXACT CARDINALITY", "EXACT CARDINALITY", "CARDINALITY");
  return draw.of(
    () =>
      `SHOW MEASUREMENTS${on()}${draw.maybe(
        0.5,
        () =>
          ` WITH MEASUREMENT ${draw.of(
            () => `= ${identifier(draw, table.name)}`,
            () => `=~ ${regexOf(draw, table.name)}`,
          )}`,
      )}${where()}${limits(draw)}`,
    () => `SHOW TAG KEYS${on()}${from()}${where()}${limits(draw)}`,
    () => `SHOW TAG VALUES${on()}${from()}${withKey()}${where()}${limits(draw)}`,
    () => `SHOW TAG VALUES${on()}${from()}${withKey()}${where()}${limits(draw)}`,
    () => `SHOW FIELD KEYS${on()}${from()}${limits(draw)}`,
    () => `SHOW SERIES${on()}${from()}${where()}${limits(draw)}`,
    () => `SHOW SERIES${from()} WHERE ${timeRange(draw, schema, false)}`,
    () => `SHOW RETENTION POLICIES${on()}`,
    () => `SHOW SERIES ${exact()}${on()}${from()}${where()}`,
    () => `SHOW MEASUREMENT ${exact()}${on()}${from()}${where()}`,
    () => `SHOW TAG KEY ${exact()}${on()}${from()}${where()}`,
    () => `SHOW FIELD KEY ${exact()}${on()}${from()}${where()}`,
    () => `SHOW TAG VALUES ${exact()}${on()}${from()}${withKey()}${where()}`,
  );
}

/** A statement with some of its words gone, doubled, swapped or replaced. */
function illFormed(draw: Draw, schema: Schema, database: string): string {
  const scope = scopeOf(schema.tables);
  const whole = draw.weighted(
    [5, () => drawSelect(draw, { schema, database, depth: 1 }).text],
    [3, () => drawShow(draw, schema, database)],
    [2, () => draw.of(...otherStatements)],
  );
  const words = tokens(whole);
  for (let i = draw.between(1, 2); i > 0; i--) {
    const at = draw.below(words.length);
    switch (draw.below(5)) {
      case 0:
        words.splice(at, 1);
        break;
      case 1:
        words.splice(at, 0, words[draw.below(words.length)] ?? "");
        break;
      case 2:
        words.splice(at);
        break;
      case 3:
        words[at] = `${draw.of(
          "(",
          ")",
          ",",
          "'",
          "/",
          "=",
          "SELECT",
          "1h",
          "1.5",
          ";",
          "::",
          "@",
          "''",
          () => fieldName(draw, scope),
        )} `;
        break;
      default: {
        const other = draw.below(words.length);
        [words[at], words[other]] = [words[other] ?? "", words[at] ?? ""];
      }
    }
  }
  // two words without a blank between them are one
  return words
    .map((word, i) => (/[\w"']$/.test(word) && /^[\w"']/.test(words[i + 1] ?? "") ? `${word} ` : word))
    .join("");
}

const otherStatements = [
  'CREATE DATABASE "x y" WITH DURATION 3d REPLICATION 1 SHARD DURATION 1h NAME "p"',
  "CREATE RETENTION POLICY p ON d DURATION 1h REPLICATION 1 SHARD DURATION 30m DEFAULT",
  "ALTER RETENTION POLICY p ON d DURATION 2h DEFAULT",
  "DROP RETENTION POLICY p ON d",
  "CREATE CONTINUOUS QUERY c ON d RESAMPLE EVERY 1h FOR 2h BEGIN SELECT mean(v) INTO t FROM m GROUP BY time(1h) END",
  "CREATE USER u WITH PASSWORD 'p' WITH ALL PRIVILEGES",
  "GRANT READ ON d TO u",
  "REVOKE ALL PRIVILEGES FROM u",
  "SET PASSWORD FOR u = 'p'",
  // (of nothing that is there: they run beside statements that read)
  "DROP SERIES FROM nowhere WHERE t = 'a'",
  "DELETE FROM nowhere WHERE time < 5",
  "DROP MEASUREMENT nowhere",
  "KILL QUERY 5",
  "CREATE SUBSCRIPTION s ON d.p DESTINATIONS ALL 'udp://h:1', 'udp://h:2'",
  "DROP SUBSCRIPTION s ON d.p",
  "DROP SHARD 3",
  "SHOW GRANTS FOR u",
  "SHOW STATS FOR 'x'",
  "EXPLAIN ANALYZE SELECT v FROM m",
];

/** Words of a statement, each with the space behind it: names, quoted names, strings, regexes, numbers with units, operators. */
export function tokens(text: string): string[] {
  const word = /(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/(?:[^/\\\s]|\\.)+\/|[\w.]+|[<>=!~:]+|\S)\s*/g;
  return text.match(word) ?? [];
}

/** One statement that changes the database's points or series; what it left is read back by `readBack`. */
export function drawChange(draw: Draw, schema: Schema, database: string): string {
  for (;;) {
    const text = drawAnyChange(draw, schema, database);
    // what influxd deletes where two tags are compared is in the table, too
    if (!deletesByTwoTags(text)) return text;
  }
}

function drawAnyChange(draw: Draw, schema: Schema, database: string): string {
  const table = draw.pick(schema.tables);
  const scope = scopeOf([table]);
  const tags = { ...scope, fields: [] };
  const name = identifier(draw, table.name);
  const from = () => draw.weighted([6, name], [2, regexOf(draw, table.name)], [0.5, "nope"]);
  const target = () =>
    draw.of(
      "copy",
      "autogen.copy",
      `${database}.autogen.copy`,
      `${database}..copy`,
      identifier(draw, table.name),
    );
  return draw.weighted(
    [6, () => drawInto(draw, schema, database, `INTO ${target()}`)],
    [1, () => `SELECT * INTO ${database}.autogen.:MEASUREMENT FROM ${regexOf(draw, table.name)} GROUP BY *`],
    [
      4,
      () =>
        `DELETE FROM ${from()} WHERE ${timeRange(draw, schema, false)}${draw.maybe(0.5, () => ` AND ${condition(draw, tags, 0)}`)}`,
    ],
    [2, () => `DELETE FROM ${from()}${draw.maybe(0.7, () => ` WHERE ${condition(draw, tags, 1)}`)}`],
    [1, () => `DELETE WHERE ${timeRange(draw, schema, false)}`],
    [3, () => `DROP SERIES FROM ${from()}${draw.maybe(0.7, () => ` WHERE ${condition(draw, tags, 1)}`)}`],
    [1, () => `DROP MEASUREMENT ${draw.of(name, name, "nope")}`],
    [0.3, () => `DELETE FROM ${from()} WHERE ${condition(draw, scope, 0)}`],
    [0.3, () => `DROP SERIES WHERE ${condition(draw, tags, 0)}`],
  );
}

/** What the table of differences has would come again when it is read back: such columns are not written. */
function drawInto(draw: Draw, schema: Schema, database: string, into: string): string {
  for (;;) {
    const { text } = drawSelect(draw, { schema, database, depth: 1, into });
    if (/fill\(/i.test(text) && !/time\(/i.test(text)) continue;
    if (schema.hasTies && (dependsOnOrder(text) || !text.includes("GROUP BY *"))) continue;
    if (nodesOf(text).some(comparesTags)) continue;
    if (
      !/slimit|sample\(|\), |, \(select|\b(?:top|bottom)\([^)]*\).*\(select|\b(?:abs|stddev|mode|percentile|integral|triple_\w+|\w+_(?:average|index|oscillator|ratio))\(/i.test(
        text,
      )
    )
      return text;
  }
}

/** One statement about retention policies or continuous queries of the database. */
export function drawAdministration(draw: Draw, database: string): string {
  const duration = () => draw.of("INF", "1h", "90m", "7d", "30m", "52w", "0s", "3d12h", "1d");
  const policy = () => draw.of("p", "q", '"r s"', "autogen", "nope");
  const shard = () => draw.maybe(0.4, () => ` SHARD DURATION ${draw.of("1h", "2d", "30m", "7d", "0s")}`);
  const isDefault = () => draw.maybe(0.2, " DEFAULT");
  const on = draw.weighted([9, database], [1, "nope"]);
  const query = draw.of("c1", "c2", '"c 3"');
  return draw.weighted(
    [
      4,
      () =>
        `CREATE RETENTION POLICY ${policy()} ON ${on} DURATION ${duration()} REPLICATION ${draw.of("1", "1", "2", "0")}${shard()}${isDefault()}`,
    ],
    [
      3,
      () =>
        `ALTER RETENTION POLICY ${policy()} ON ${on}${draw.maybe(0.7, () => ` DURATION ${duration()}`)}${draw.maybe(0.3, " REPLICATION 1")}${shard()}${isDefault()}`,
    ],
    [2, () => `DROP RETENTION POLICY ${policy()} ON ${on}`],
    [
      2,
      () =>
        `CREATE CONTINUOUS QUERY ${query} ON ${on}${draw.maybe(0.3, () => ` RESAMPLE ${draw.of("EVERY 1h", "FOR 2h", "EVERY 1h FOR 3h", "FOR 1m")}`)} BEGIN SELECT ${draw.of("mean(f)", "max(i) AS x", "f", "count(*)")}${draw.maybe(0.95, " INTO copy")} FROM m ${draw.maybe(0.9, () => `GROUP BY time(${draw.of("1h", "10m", "30d")})${draw.maybe(0.3, ", host")}`)} END`,
    ],
    [1, () => `DROP CONTINUOUS QUERY ${draw.of(query, "nope")} ON ${on}`],
  );
}

/** Statements that show everything a database holds. */
export const readBack = ["SELECT * FROM /.*/", "SHOW SERIES", "SHOW FIELD KEYS", "SHOW RETENTION POLICIES"];

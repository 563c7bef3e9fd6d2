// Generated statements: SELECT, SHOW, EXPLAIN of what cannot run, and texts that are no statement.
import { comparesTags, deletesByComparedTags, dependsOnOrder, isLongForecast } from "./differences/claims.ts";
import type { Draw } from "./draw.ts";
import { fieldName, identifier, regexOf, scopeOf, tagName } from "./names.ts";
import { nodesOf } from "./rewrite.ts";
import type { Schema } from "./schema.ts";
import { drawSelect } from "./select.ts";
import { tokens } from "./tokens.ts";
import { condition, timeRange } from "./where.ts";

/** One statement that changes nothing. */
export function drawStatement(draw: Draw, schema: Schema, database: string): string {
  for (;;) {
    const text = drawAnyStatement(draw, schema, database);
    if (!isLongForecast(text)) return text;
  }
}

function drawAnyStatement(draw: Draw, schema: Schema, database: string): string {
  return draw.weighted(
    [70, () => drawSelect(draw, { schema, database, depth: draw.pick([1, 2, 2, 3]) }).text],
    [22, () => drawShow(draw, schema, database)],
    [8, () => illFormed(draw, schema, database)],
    [1, () => draw.of(...ofNothing)],
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
      return ` FROM ${draw.weighted([6, name], [1, `${name}, ${other}`], [2, regexOf(draw, table.name)], [0.5, "nope"], [schema.policy === null ? 0.5 : 4, `${schema.policy ?? "autogen"}.${name}`])}`;
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
      [2, () => ` WITH KEY IN (${draw.list(1, 3, key).join(", ")})`],
      [2, () => ` WITH KEY =~ ${regexOf(draw, one)}`],
      [1, () => ` WITH KEY !~ ${regexOf(draw, one)}`],
    );
  };
  const groups = () => draw.maybe(0.06, () => ` GROUP BY ${tagName(draw, scope)}`);
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
    () => `SHOW SERIES ${exact()}${on()}${from()}${where()}${groups()}${limits(draw)}`,
    () => `SHOW MEASUREMENT ${exact()}${on()}${from()}${where()}${groups()}${limits(draw)}`,
    () => `SHOW TAG KEY ${exact()}${on()}${from()}${where()}${groups()}${limits(draw)}`,
    () => `SHOW FIELD KEY ${exact()}${on()}${from()}${where()}${groups()}${limits(draw)}`,
    () => `SHOW TAG VALUES ${exact()}${on()}${from()}${withKey()}${where()}${groups()}${limits(draw)}`,
    () => draw.of("SHOW DATABASES", "SHOW USERS", "SHOW CONTINUOUS QUERIES", "SHOW SUBSCRIPTIONS"),
  );
}

/** Of what is not there: they may run beside statements that read. */
const ofNothing = [
  "KILL QUERY 99999999",
  "SHOW GRANTS FOR nobody",
  "DROP SHARD 99999999",
  "DROP SERIES FROM nowhere WHERE t = 'a'",
  "DELETE FROM nowhere WHERE time < 5",
  "DROP MEASUREMENT nowhere",
  "DROP USER nobody",
  "SET PASSWORD FOR nobody = 'x'",
  "GRANT READ ON nowhere TO nobody",
  "REVOKE ALL PRIVILEGES FROM nobody",
  "DROP SUBSCRIPTION s ON nowhere.p",
  "DROP CONTINUOUS QUERY c ON nowhere",
  "DROP RETENTION POLICY p ON nowhere",
  "DROP DATABASE nowhere",
  "SHOW RETENTION POLICIES ON nowhere",
  "EXPLAIN SELECT v FROM nowhere",
];

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

/** One statement that changes the database's points or series; what it left is read back by `readBack`. */
export function drawChange(draw: Draw, schema: Schema, database: string): string {
  for (;;) {
    const text = drawAnyChange(draw, schema, database);
    // what influxd deletes where two tags are compared is in the table, too
    if (!deletesByComparedTags(text)) return text;
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
      `${schema.policy ?? "autogen"}.copy`,
      `${database}.autogen.copy`,
      `${database}..copy`,
      identifier(draw, table.name),
    );
  return draw.weighted(
    [6, () => drawInto(draw, schema, database, `INTO ${target()}`)],
    [
      1,
      () =>
        `SELECT * INTO ${database}.${schema.policy ?? "autogen"}.:MEASUREMENT FROM ${regexOf(draw, table.name)} GROUP BY *`,
    ],
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
    if (/\b(?:top|bottom)\(.*fill\(previous/i.test(text)) continue;
    if (/\b(?:top|bottom)\([^)]*,[^)]*,.*\b(?:limit|offset) \d/i.test(text)) continue;
    if (schema.hasTies && (dependsOnOrder(text) || !text.includes("GROUP BY *"))) continue;
    if (nodesOf(text).some(comparesTags) || isLongForecast(text)) continue;
    if (
      !/slimit|sample\(|\), |, \(select|\b(?:top|bottom)\([^)]*\).*\(select|\b(?:abs|stddev|mode|percentile|integral|triple_\w+|\w+_(?:average|index|oscillator|ratio))\(/i.test(
        text,
      )
    )
      return text;
  }
}

/** Statements that show everything a database holds. */
export const readBack = ({ policy }: Schema): string[] => [
  "SELECT * FROM /.*/",
  ...(policy === null ? [] : [`SELECT * FROM ${policy}./.*/`]),
  ...["SHOW SERIES", "SHOW FIELD KEYS", "SHOW RETENTION POLICIES"],
];

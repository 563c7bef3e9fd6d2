// Generated statements about databases, retention policies, continuous queries, users, their rights, and subscriptions.
import type { Draw } from "./draw.ts";

/** A statement, and those that show what it has changed. */
export interface Administration {
  readonly text: string;
  readonly asks: readonly string[];
}

export function drawAdministration(draw: Draw, database: string): Administration {
  const [asks, make] = draw.pick([
    [["SHOW RETENTION POLICIES"], () => policy(draw, database)],
    [["SHOW RETENTION POLICIES"], () => policy(draw, database)],
    [["SHOW CONTINUOUS QUERIES"], () => continuousQuery(draw, database)],
    [["SHOW USERS", `SHOW GRANTS FOR ${userOf(draw, database)}`], () => user(draw, database)],
    [["SHOW SUBSCRIPTIONS"], () => subscription(draw, database)],
    [
      ["SHOW DATABASES", `SHOW RETENTION POLICIES ON ${otherDatabase(database)}`],
      () => otherDatabaseStatement(draw, database),
    ],
  ] as const);
  return { text: make(), asks };
}

/** What statements with words gone may leave in one of the two, where the other ran none after an error. */
export const strays: readonly string[] = ['DROP DATABASE "x y"', "DROP USER u"];

/** What a round leaves outside of its database. */
export const leftOvers = (database: string): string[] => [
  `DROP DATABASE ${otherDatabase(database)}`,
  ...["a", "b"].map((name) => `DROP USER ${name}_${database}`),
];

const otherDatabase = (database: string) => `${database}_other`;
const userOf = (draw: Draw, database: string) => `${draw.of("a", "a", "b")}_${database}`;
const duration = (draw: Draw) =>
  draw.of("INF", "1h", "90m", "7d", "30m", "52w", "0s", "3d12h", "1d", "1h30m");
/** What cannot be made. */
const noName = (draw: Draw) => draw.of('""', '"a/b"', '".."');
const on = (draw: Draw, database: string) => draw.weighted([9, database], [1, "nope"]);

function policy(draw: Draw, database: string): string {
  const name = () =>
    draw.weighted([19, () => draw.of("p", "q", '"r s"', "autogen", "nope")], [1, noName(draw)]);
  const shard = () => draw.maybe(0.4, () => ` SHARD DURATION ${draw.of("1h", "2d", "30m", "7d", "0s")}`);
  const isDefault = () => draw.maybe(0.2, " DEFAULT");
  return draw.weighted(
    [
      4,
      () =>
        `CREATE RETENTION POLICY ${name()} ON ${on(draw, database)} DURATION ${duration(draw)} REPLICATION ${draw.of("1", "1", "2", "0")}${shard()}${isDefault()}`,
    ],
    [
      3,
      () =>
        `ALTER RETENTION POLICY ${name()} ON ${on(draw, database)}${draw.maybe(0.7, () => ` DURATION ${duration(draw)}`)}${draw.maybe(0.3, " REPLICATION 1")}${shard()}${isDefault()}`,
    ],
    [2, () => `DROP RETENTION POLICY ${name()} ON ${on(draw, database)}`],
  );
}

function continuousQuery(draw: Draw, database: string): string {
  const name = draw.of("c1", "c2", '"c 3"');
  const resample = () => ` RESAMPLE ${draw.of("EVERY 1h", "FOR 2h", "EVERY 1h FOR 3h", "FOR 1m")}`;
  const windows = () => `GROUP BY time(${draw.of("1h", "10m", "30d")})${draw.maybe(0.3, ", host")}`;
  return draw.weighted(
    [
      2,
      () =>
        `CREATE CONTINUOUS QUERY ${name} ON ${on(draw, database)}${draw.maybe(0.3, resample)} BEGIN SELECT ${draw.of("mean(f)", "max(i) AS x", "f", "count(*)")}${draw.maybe(0.95, " INTO copy")} FROM m ${draw.maybe(0.9, windows)} END`,
    ],
    [1, () => `DROP CONTINUOUS QUERY ${draw.of(name, "nope")} ON ${on(draw, database)}`],
  );
}

function user(draw: Draw, database: string): string {
  const name = () => draw.weighted([9, () => userOf(draw, database)], [1, "nope"]);
  const right = () => draw.of("READ", "WRITE", "ALL", "ALL PRIVILEGES");
  return draw.weighted(
    [4, () => `CREATE USER ${name()} WITH PASSWORD 'p'${draw.maybe(0.3, " WITH ALL PRIVILEGES")}`],
    [1, () => `DROP USER ${name()}`],
    [3, () => `GRANT ${right()} ON ${on(draw, database)} TO ${name()}`],
    [2, () => `REVOKE ${right()} ON ${on(draw, database)} FROM ${name()}`],
    [1, () => `GRANT ${draw.of("ALL PRIVILEGES", "ALL")} TO ${name()}`],
    [1, () => `REVOKE ${draw.of("ALL PRIVILEGES", "ALL")} FROM ${name()}`],
    [1, () => `SET PASSWORD FOR ${name()} = ${draw.of("'q'", "''")}`],
  );
}

function subscription(draw: Draw, database: string): string {
  const name = draw.of("s1", "s1", '"s 2"');
  const target = () => `${on(draw, database)}.${draw.of("autogen", "autogen", "nope")}`;
  const destination = () => `'${draw.of("udp://127.0.0.1:9", "http://127.0.0.1:9", "udp://localhost:19")}'`;
  return draw.weighted(
    [
      3,
      () =>
        `CREATE SUBSCRIPTION ${name} ON ${target()} DESTINATIONS ${draw.of("ALL", "ANY")} ${draw.list(1, 2, destination).join(", ")}`,
    ],
    [1, () => `DROP SUBSCRIPTION ${name} ON ${target()}`],
  );
}

function otherDatabaseStatement(draw: Draw, database: string): string {
  const name = otherDatabase(database);
  const options = () => {
    const some = draw.some(
      [
        `DURATION ${duration(draw)}`,
        "REPLICATION 1",
        `SHARD DURATION ${draw.of("1h", "30m", "2d")}`,
        `NAME ${draw.weighted([9, () => draw.of("p", '"a policy"')], [1, noName(draw)])}`,
      ],
      0.6,
    );
    return some.length === 0 ? "" : ` WITH ${some.join(" ")}`;
  };
  return draw.weighted(
    [3, () => `CREATE DATABASE ${name}${draw.maybe(0.7, options)}`],
    [1, () => `DROP DATABASE ${draw.of(name, "nope")}`],
    [1, () => `ALTER RETENTION POLICY ${draw.of("autogen", "p")} ON ${name} DURATION ${duration(draw)}`],
  );
}

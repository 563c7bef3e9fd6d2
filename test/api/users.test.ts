// Users, beside a real influxd with authentication on: every kind of statement by every kind of user, and every way to say who one is.
import { afterAll, beforeAll, describe } from "bun:test";
import { type Servers, startServers } from "../clients/servers.ts";
import { known } from "./differences.ts";
import {
  asIn,
  type Case,
  compare,
  type Difference,
  differs,
  form,
  prepare,
  type Request,
  url,
} from "./exchange.ts";

const basic = (user: string, password = "pw") => ({ Authorization: `Basic ${btoa(`${user}:${password}`)}` });
const ask = (q: string, user: string, db = "d"): Request => ({
  ...form({ q }, `/query?db=${db}`),
  headers: basic(user),
});
const write = (user: string, db: string): Request => ({
  method: "POST",
  path: `/write?db=${db}`,
  headers: basic(user),
  body: "m,t=a f=1 1\nm,t=b f=2 2",
});

let running: Servers;
beforeAll(async () => {
  running = await startServers({ authEnabled: true });
  await prepare(running, [form({ q: "CREATE USER admin WITH PASSWORD 'pw' WITH ALL PRIVILEGES" })]);
  const users = ["n", "r", "w", "a"].map((name) => `CREATE USER ${name} WITH PASSWORD 'pw'`);
  const grants = "GRANT READ ON d TO r; GRANT WRITE ON d TO w; GRANT ALL ON d TO a";
  await prepare(running, [
    ask(`CREATE DATABASE d; CREATE DATABASE e; ${users.join("; ")}; ${grants}`, "admin"),
  ]);
  await prepare(running, [write("admin", "d"), write("admin", "e")]);
});
afterAll(() => running.stop());

const comparable = asIn(known.unauthorizedHeader, (seen) =>
  seen.status === 401 ? { ...seen, error: null } : seen,
);
const cases = (list: readonly Case[]) =>
  compare(
    () => running,
    list.map((each) => ({ comparable, ...each })),
  );

/** Nobody with a privilege, READ on d, WRITE on d, both, and an administrator. */
const users = ["n", "r", "w", "a", "admin"];

describe("statements", () => {
  const refusalsOf = (statement: string, user: string, missing: string) =>
    `error authorizing query: ${user} not authorized to execute statement '${statement}', requires ${missing}`;
  const forbidden = (error: string) => differs(known.stricter, { status: 403, error, body: [{ error }] });
  /** What influxd lets pass, by user and statement: the privilege that is missing in serie. */
  const stricter: Readonly<Record<string, readonly [users: string, missing: string]>> = {
    "SHOW SERIES FROM e..m": ["r a", "READ on e"],
    "SHOW SERIES EXACT CARDINALITY ON e": ["n r w a", "READ on e"],
    "SHOW MEASUREMENT EXACT CARDINALITY ON e": ["n r w a", "READ on e"],
    "SHOW TAG KEY CARDINALITY": ["n w", "READ on d"],
    "SHOW TAG KEY EXACT CARDINALITY ON e": ["n r w a", "READ on e"],
    "SHOW TAG VALUES CARDINALITY WITH KEY = t": ["n w", "READ on d"],
    "SHOW TAG VALUES EXACT CARDINALITY ON e WITH KEY = t": ["n r w a", "READ on e"],
    "SHOW FIELD KEY CARDINALITY": ["n w", "READ on d"],
    "SHOW FIELD KEY EXACT CARDINALITY ON e": ["n r w a", "READ on e"],
    "CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(f) INTO k FROM m GROUP BY time(1h) END": [
      "r",
      "WRITE on d",
    ],
    "CREATE CONTINUOUS QUERY c3 ON d BEGIN SELECT mean(f) INTO k FROM e..m GROUP BY time(1h) END": [
      "r a",
      "READ on e",
    ],
  };
  /** Answers are serie's own (continuous queries: of the databases that may be read): compared is who may ask. */
  const own = /^(?:EXPLAIN|SHOW (?:QUERIES|CONTINUOUS QUERIES|SHARDS|SHARD GROUPS|STATS|DIAGNOSTICS)$)/;
  const list = [
    "SELECT f FROM m",
    "SELECT f FROM e..m",
    "SELECT f FROM d..m, e..m",
    "SELECT f FROM (SELECT f FROM e..m)",
    "SELECT f INTO k FROM m",
    "SELECT f INTO e..k FROM m",
    "SELECT f INTO d..k FROM e..m",
    "EXPLAIN SELECT f FROM m",
    "EXPLAIN SELECT f FROM e..m",
    "SHOW DATABASES",
    "SHOW MEASUREMENTS",
    "SHOW MEASUREMENTS ON e",
    "SHOW SERIES",
    "SHOW SERIES ON e",
    "SHOW SERIES CARDINALITY",
    "SHOW SERIES CARDINALITY ON e",
    "SHOW MEASUREMENT CARDINALITY",
    "SHOW TAG KEYS",
    "SHOW TAG KEYS ON e",
    "SHOW TAG VALUES WITH KEY = t",
    "SHOW TAG VALUES ON e WITH KEY = t",
    "SHOW FIELD KEYS",
    "SHOW FIELD KEYS ON e",
    "SHOW RETENTION POLICIES",
    "SHOW RETENTION POLICIES ON e",
    "SHOW CONTINUOUS QUERIES",
    "SHOW QUERIES",
    "SHOW USERS",
    "SHOW GRANTS FOR r",
    "SHOW SHARDS",
    "SHOW SHARD GROUPS",
    "SHOW STATS",
    "SHOW DIAGNOSTICS",
    "SHOW SUBSCRIPTIONS",
    "KILL QUERY 999999",
    "CREATE DATABASE nd",
    "DROP DATABASE nd",
    "CREATE RETENTION POLICY p ON d DURATION 1d REPLICATION 1",
    "ALTER RETENTION POLICY p ON d DURATION 2d",
    "DROP RETENTION POLICY p ON d",
    "DROP RETENTION POLICY p ON e",
    "CREATE CONTINUOUS QUERY c2 ON d BEGIN SELECT mean(f) INTO e..k FROM m GROUP BY time(1h) END",
    "DROP CONTINUOUS QUERY c9 ON d",
    "CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'udp://127.0.0.1:9'",
    "DROP SUBSCRIPTION s ON d.autogen",
    "CREATE USER z WITH PASSWORD 'pw'",
    "CREATE USER z2 WITH PASSWORD 'pw' WITH ALL PRIVILEGES",
    "DROP USER z",
    "GRANT READ ON d TO nobody",
    "GRANT ALL ON d TO nobody",
    "GRANT ALL PRIVILEGES TO nobody",
    "REVOKE READ ON d FROM n",
    "REVOKE ALL PRIVILEGES FROM n",
    "SET PASSWORD FOR n = 'pw'",
    "DROP MEASUREMENT nom",
    "DROP SHARD 999999",
    "DROP SERIES FROM nom",
    "DROP SERIES FROM e..m",
    "DROP SERIES WHERE t = 'zz'",
    "DELETE FROM nom",
    "DELETE FROM nom WHERE time < 0",
    "DELETE WHERE t = 'zz'",
    "SHOW DATABASES; SHOW USERS",
    "SHOW MEASUREMENTS; SELECT f FROM e..m",
    ...Object.keys(stricter),
  ];
  cases(
    list.flatMap((q) =>
      users.map((user): Case => {
        const [strict, missing] = stricter[q] ?? ["", ""];
        return {
          title: `${user}: ${q}`,
          request: ask(q, user),
          ...(own.test(q)
            ? { comparable: (seen) => (seen.status === 200 ? { ...seen, body: null } : seen) }
            : {}),
          ...(strict.split(" ").includes(user) ? { differs: forbidden(refusalsOf(q, user, missing)) } : {}),
        };
      }),
    ),
  );
});

describe("writes and databases", () => {
  cases(
    users.flatMap((user): Case[] => [
      { title: `${user} to d`, request: write(user, "d") },
      { title: `${user} to e`, request: write(user, "e") },
      {
        title: `${user} to one that is not there`,
        request: write(user, "fresh"),
        differs: differs(known.hiddenDatabases, { status: user === "admin" ? 204 : 403 }),
      },
      { title: `${user} without one`, request: { ...write(user, ""), path: "/write" } },
      { title: `${user} reads without one`, request: ask("SELECT f FROM m", user, "") },
      { title: `${user} reads one that is not there`, request: ask("SELECT f FROM m", user, "nope") },
    ]),
  );
});

describe("who it is", () => {
  const ways: readonly (readonly [title: string, headers: Record<string, string>, parameters?: string])[] = [
    ["nothing", {}],
    ["u", {}, "u=r"],
    ["p", {}, "p=pw"],
    ["u and p", {}, "u=r&p=pw"],
    ["u and a wrong p", {}, "u=r&p=x"],
    ["u and an empty p", {}, "u=r&p="],
    ["Basic", basic("r")],
    ["basic", { Authorization: `basic ${btoa("r:pw")}` }],
    ["a wrong password", basic("r", "x")],
    ["an unknown user", basic("nobody")],
    ["no base64", { Authorization: "Basic %%%" }],
    ["a password alone", basic("")],
    ["no colon", { Authorization: `Basic ${btoa("rpw")}` }],
    ["an unknown scheme", { Authorization: "Digest x" }],
    ["u and p before the header", basic("r", "x"), "u=r&p=pw"],
    ["a wrong p before the header", basic("r"), "u=r&p=x"],
  ];
  const sent = ([title, headers, parameters = ""]: (typeof ways)[number], differs?: Difference): Case[] => [
    { title, request: { path: `${url("/query", { q: "SHOW DATABASES" })}&${parameters}`, headers }, differs },
    {
      title: `${title}, a write`,
      request: { ...write("", "d"), path: `/write?db=d&${parameters}`, headers },
      differs,
    },
  ];
  const failed = differs(known.tokens, {
    status: 401,
    authenticate: 'Basic realm="InfluxDB"',
    body: [{ error: "authorization failed" }],
  });
  const open = ["/ping", "/status"].map((path) => ({ title: `nobody: ${path}`, request: { path } }));
  const closed = ["/metrics", "/debug/vars"].map((path) => ({
    title: `nobody: ${path}`,
    request: { path },
    differs: differs(known.closedRoutes, { status: 401 }),
  }));
  cases([
    ...ways.flatMap((way) => sent(way)),
    ...sent(
      ["Token user:password", { Authorization: "Token w:pw" }],
      differs(known.of18, { authenticate: null, error: null }),
    ).slice(1),
    ...sent(["a token that is none", { Authorization: "Token xyz" }], failed),
    ...sent(["Bearer", { Authorization: "Bearer xyz" }], failed),
    ...open,
    ...closed,
  ]);
});

describe("before there is an administrator", () => {
  let fresh: Servers;
  beforeAll(async () => {
    fresh = await startServers({ authEnabled: true });
  });
  afterAll(() => fresh.stop());

  const root = "CREATE USER root WITH PASSWORD 'pw' WITH ALL PRIVILEGES";
  const nobody = (q: string): Case => ({
    title: `nobody: ${q}`,
    request: form({ q }, "/query?db=d"),
    comparable,
  });
  compare(
    () => fresh,
    [
      nobody("SHOW DATABASES"),
      nobody("CREATE USER n WITH PASSWORD 'pw'"),
      nobody(`SHOW USERS; ${root}`),
      nobody(`${root}; CREATE DATABASE d; SHOW USERS; GRANT ALL ON d TO root`),
      nobody(`${root}; DROP DATABASE d`),
      nobody("SHOW DATABASES"),
      { title: "root", request: ask("SHOW DATABASES; SHOW GRANTS FOR root", "root") },
      // without its last administrator a server with users is not open again
      {
        title: "root goes",
        request: ask("CREATE USER n WITH PASSWORD 'pw'; REVOKE ALL PRIVILEGES FROM root", "root"),
      },
      ...(
        [
          [null, "CREATE USER evil WITH PASSWORD 'pw' WITH ALL PRIVILEGES", 401],
          ["root", "CREATE USER evil WITH PASSWORD 'pw' WITH ALL PRIVILEGES", 403],
          ["n", "SHOW DATABASES", 200],
        ] as const
      ).map(
        ([user, q, status]): Case => ({
          title: `${user ?? "nobody"}, without an administrator: ${q}`,
          request: user === null ? form({ q }, "/query?db=d") : ask(q, user),
          differs: differs(known.noAdministrator, { status }),
        }),
      ),
    ],
  );
});

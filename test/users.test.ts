// Users over HTTP and across restarts: who comes in, what they may do, what is stored of them.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../src/base/clock.ts";
import { systemClock } from "../src/base/clock.ts";
import { DiskError } from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import { Users } from "../src/db/users.ts";
import { type Server, serve } from "../src/server.ts";
import { MemoryDisk } from "./disk/memory.ts";

const folder = mkdtempSync(join(tmpdir(), "serie-users-"));
const dataDir = join(folder, "data");
let db: Database;
let server: Server;
beforeAll(async () => {
  db = await Database.open({ dataDir });
  server = serve(db, { port: 0, authEnabled: true });
});
afterAll(async () => {
  await server.stop(0);
  await db.close();
  rmSync(folder, { recursive: true });
});

const basic = (user: string, password = "pw") => ({ Authorization: `Basic ${btoa(`${user}:${password}`)}` });
const ask = (q: string, headers: Record<string, string> = {}, more = "db=d") =>
  fetch(`${server.url}/query?${more}`, { method: "POST", body: new URLSearchParams({ q }), headers });
const write = (headers: Record<string, string>, parameters = "db=d", path = "/write") =>
  fetch(`${server.url}${path}?${parameters}`, { method: "POST", body: "m f=1 1", headers });
const textOf = async (answer: Promise<Response>) => (await (await answer).text()).trim();
const ok = '{"results":[{"statement_id":0}]}';
const admin = (q: string) => textOf(ask(q, basic("admin")));
const errorOf = (error: string) => JSON.stringify({ results: [{ statement_id: 0, error }] });

describe("the first user", () => {
  const first = "CREATE USER admin WITH PASSWORD 'pw' WITH ALL PRIVILEGES";

  test.each(["SHOW DATABASES", "CREATE USER bob WITH PASSWORD 'pw'", `SHOW DATABASES; ${first}`])(
    "%s is not what a server without administrator allows",
    async (q) => {
      const answer = await ask(q);
      expect(answer.status).toBe(403);
      expect(await answer.text()).toBe(
        '{"error":"error authorizing query: create admin user first or disable authentication"}\n',
      );
    },
  );

  test("nobody writes and nobody looks before", async () => {
    const answer = await write({});
    expect(answer.status).toBe(403);
    expect(await answer.text()).toBe('{"error":"user is required to write to database \\"d\\""}\n');
    expect(db.databases()).toEqual([]);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
  });

  test("the administrator may be created, once", async () => {
    expect(await textOf(ask(first))).toBe(ok);
    const again = await ask("CREATE USER eve WITH PASSWORD 'pw' WITH ALL PRIVILEGES");
    expect(again.status).toBe(401);
    expect(again.headers.get("www-authenticate")).toBe('Basic realm="InfluxDB"');
    expect(await again.text()).toBe('{"error":"unable to parse authentication credentials"}\n');
  });
});

describe("statements, as influxd answers them", () => {
  test.each([
    ["CREATE DATABASE d; CREATE DATABASE e", '{"results":[{"statement_id":0},{"statement_id":1}]}'],
    ["CREATE USER bob WITH PASSWORD 'pw'", ok],
    ["CREATE USER bob WITH PASSWORD 'pw'", ok],
    ["CREATE USER bob WITH PASSWORD 'other'", errorOf("user already exists")],
    ["CREATE USER bob WITH PASSWORD 'pw' WITH ALL PRIVILEGES", errorOf("user already exists")],
    ["CREATE USER \"\" WITH PASSWORD 'pw'", errorOf("username required")],
    ["CREATE USER wil WITH PASSWORD ''", ok],
    ["SET PASSWORD FOR wil = 'pw'", ok],
    [
      "SHOW GRANTS FOR bob",
      '{"results":[{"statement_id":0,"series":[{"columns":["database","privilege"]}]}]}',
    ],
    ["GRANT READ ON d TO bob", ok],
    ["GRANT WRITE ON d TO wil", ok],
    ["GRANT READ ON nope TO bob", errorOf("database not found: nope")],
    ["GRANT READ ON nope TO nope", errorOf("user not found")],
    ["REVOKE READ ON d FROM nope", errorOf("user not found")],
    ["SHOW GRANTS FOR nope", errorOf("user not found")],
    ["GRANT ALL PRIVILEGES TO nope", errorOf("user not found")],
    ["DROP USER nope", errorOf("user not found")],
    ["SET PASSWORD FOR nope = 'x'", errorOf("user not found")],
    [
      "SHOW USERS",
      '{"results":[{"statement_id":0,"series":[{"columns":["user","admin"],"values":[["admin",true],["bob",false],["wil",false]]}]}]}',
    ],
  ])("%s", async (q, expected) => {
    expect(await admin(q)).toBe(expected);
  });

  test("grants add up and are taken away as influxd does it", async () => {
    await admin("CREATE USER gra WITH PASSWORD 'pw'");
    const grantsAfter = async (q: string) => {
      expect(await admin(q)).toBe(ok);
      return JSON.parse(await admin("SHOW GRANTS FOR gra"))
        .results[0].series[0].values?.flat()
        .join(" ");
    };
    expect(await grantsAfter("REVOKE READ ON d FROM gra")).toBe("d NO PRIVILEGES");
    expect(await grantsAfter("GRANT READ ON d TO gra")).toBe("d READ");
    expect(await grantsAfter("GRANT WRITE ON d TO gra")).toBe("d WRITE");
    expect(await grantsAfter("REVOKE READ ON d FROM gra")).toBe("d WRITE");
    expect(await grantsAfter("GRANT ALL ON d TO gra")).toBe("d ALL PRIVILEGES");
    expect(await grantsAfter("REVOKE READ ON d FROM gra")).toBe("d WRITE");
    expect(await grantsAfter("REVOKE WRITE ON d FROM gra")).toBe("d NO PRIVILEGES");
    expect(await grantsAfter("GRANT ALL PRIVILEGES TO gra")).toBe("d NO PRIVILEGES");
    expect((await ask("SHOW USERS", basic("gra"))).status).toBe(200);
    expect(await grantsAfter("REVOKE ALL PRIVILEGES FROM gra")).toBe("d NO PRIVILEGES");
    expect((await ask("SHOW USERS", basic("gra"))).status).toBe(403);
    await admin("CREATE DATABASE gone");
    expect(await grantsAfter("GRANT READ ON gone TO gra")).toBe("d NO PRIVILEGES gone READ");
    expect(await grantsAfter("DROP DATABASE gone")).toBe("d NO PRIVILEGES");
  });
});

/** Of a user with READ on d, then of one with WRITE on d: what influxd refuses, and what it says is missing. */
const needs: readonly (readonly [string, string | null, string | null])[] = [
  ["SELECT * FROM m", null, "READ on d"],
  ["SELECT * FROM e..m", "READ on e", "READ on e"],
  ["SELECT * INTO d..x FROM m", "WRITE on d", "READ on d"],
  ["SELECT * FROM (SELECT * FROM e..m)", "READ on e", "READ on e"],
  ["SELECT * FROM m AS a INNER JOIN e..n AS b USING (time)", "READ on e", "READ on d"],
  ["SELECT * FROM m AS a LEFT JOIN (SELECT * FROM e..n) AS b USING (time)", "READ on e", "READ on d"],
  ["EXPLAIN SELECT * FROM m", null, "READ on d"],
  ["SHOW MEASUREMENTS", null, "READ on d"],
  ["SHOW MEASUREMENTS ON e", "READ on e", "READ on e"],
  ["SHOW TAG KEYS ON e", "READ on e", "READ on e"],
  ["SHOW FIELD KEYS", null, "READ on d"],
  ["SHOW RETENTION POLICIES ON e", "READ on e", "READ on e"],
  ["SHOW QUERIES", null, "READ on d"],
  ["SHOW USERS", "admin privilege", "admin privilege"],
  ["SHOW GRANTS FOR bob", "admin privilege", "admin privilege"],
  ["SHOW SHARDS", "admin privilege", "admin privilege"],
  ["SHOW STATS", "admin privilege", "admin privilege"],
  ["SHOW TOKENS", "admin privilege", "admin privilege"],
  ["CREATE DATABASE z", "admin privilege", "admin privilege"],
  ["DROP MEASUREMENT m", "admin privilege", "admin privilege"],
  ["DROP SERIES FROM m", "WRITE on d", null],
  ["DELETE FROM m", "WRITE on d", null],
  ["DROP SHARD 1", "admin privilege", "admin privilege"],
  ["DROP RETENTION POLICY p ON d", "WRITE on d", null],
  ["DROP CONTINUOUS QUERY c ON d", "WRITE on d", null],
  ["CREATE USER u WITH PASSWORD [REDACTED]", "admin privilege", "admin privilege"],
  ["SET PASSWORD FOR bob = [REDACTED]", "admin privilege", "admin privilege"],
  ["GRANT READ ON d TO bob", "admin privilege", "admin privilege"],
  ["CREATE TOKEN FOR bob", "admin privilege", "admin privilege"],
  ["KILL QUERY 3", "admin privilege", "admin privilege"],
];

describe("what users may do", () => {
  test.each(needs)("%s", async (printed, reader, writer) => {
    const q = printed.replace("[REDACTED]", "'secret'");
    for (const [user, missing] of [
      ["bob", reader],
      ["wil", writer],
    ] as const) {
      const answer = await ask(q, basic(user));
      if (missing === null) {
        expect(answer.status).toBe(200);
        continue;
      }
      expect(answer.status).toBe(403);
      const error = `error authorizing query: ${user} not authorized to execute statement '${printed}', requires ${missing}`;
      expect(await answer.json()).toEqual({ error });
    }
  });

  test("one statement that may not run keeps all from running", async () => {
    expect((await ask("SHOW DATABASES; CREATE DATABASE z", basic("bob"))).status).toBe(403);
    expect(db.databases()).not.toContain("z");
  });

  test("SHOW DATABASES shows those that the user has something on", async () => {
    const names = async (user: string) =>
      JSON.parse(await textOf(ask("SHOW DATABASES", basic(user)))).results[0].series[0].values;
    expect(await names("bob")).toEqual([["d"]]);
    expect(await names("admin")).toEqual([["d"], ["e"]]);
  });

  test("SHOW QUERIES shows those in databases that the user reads", async () => {
    const running = db.run("SHOW MEASUREMENTS; SHOW DATABASES", { database: "e" })[Symbol.asyncIterator]();
    await running.next();
    const shown = async (user: string) =>
      JSON.parse(await textOf(ask("SHOW QUERIES", basic(user)))).results[0].series[0].values.map(
        (row: string[]) => row[1],
      );
    expect(await shown("bob")).toEqual(["SHOW QUERIES"]);
    expect(await shown("admin")).toEqual(["SHOW MEASUREMENTS;\nSHOW DATABASES", "SHOW QUERIES"]);
    await running.return?.();
  });

  test("writes need WRITE, also where the first one would create the database", async () => {
    expect((await write(basic("wil"))).status).toBe(204);
    const refused = await write(basic("bob"));
    expect(refused.status).toBe(403);
    expect(await refused.json()).toEqual({ error: '"bob" user is not authorized to write to database "d"' });
    expect((await write(basic("wil"), "db=fresh")).status).toBe(403);
    expect(db.databases()).not.toContain("fresh");
    expect((await write(basic("wil"), "db=d", "/write/json")).status).not.toBe(403);
    expect((await write(basic("bob"), "db=d", "/write/json")).status).toBe(403);
    const platform = await write(basic("bob"), "bucket=d", "/api/v2/write");
    expect(platform.status).toBe(403);
    expect(await platform.json()).toMatchObject({ code: "forbidden" });
  });
});

describe("who comes in", () => {
  test("by Basic, u and p, Token user:password", async () => {
    expect((await write(basic("wil"))).status).toBe(204);
    expect((await write({}, "db=d&u=wil&p=pw")).status).toBe(204);
    expect((await write(basic("wil", "no"), "db=d&u=wil&p=pw")).status).toBe(204); // u and p count first
    expect((await write(basic("wil"), "db=d&u=wil&p=no")).status).toBe(401);
    expect((await write({ Authorization: "Token wil:pw" })).status).toBe(204);
  });

  test.each<[string, Record<string, string>, string]>([
    ["nothing", {}, "unable to parse authentication credentials"],
    ["a wrong password", basic("wil", "no"), "authorization failed"],
    ["an unknown user", basic("nobody"), "authorization failed"],
    ["no base64", { Authorization: "Basic !!" }, "unable to parse authentication credentials"],
    ["an unknown scheme", { Authorization: "Digest wil:pw" }, "unable to parse authentication credentials"],
    ["a token that is none", { Authorization: "Bearer xyz" }, "authorization failed"],
  ])("not with %s", async (_, headers, error) => {
    const answer = await write(headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Basic realm="InfluxDB"');
    expect(await answer.json()).toEqual({ error });
    const platform = await write(headers, "bucket=d", "/api/v2/write");
    expect(platform.status).toBe(401);
    expect(await platform.json()).toEqual({ code: "unauthorized", message: error });
  });

  test("/ping and /health are open; /metrics and /debug/vars want a user", async () => {
    const status = async (path: string, headers = {}) => (await fetch(server.url + path, { headers })).status;
    for (const path of ["/ping", "/status"]) expect(await status(path)).toBe(204);
    for (const path of ["/health", "/api/v2/health", "/ready"]) expect(await status(path)).toBe(200);
    for (const path of ["/metrics", "/debug/vars"]) {
      expect(await status(path)).toBe(401);
      expect(await status(path, basic("bob"))).toBe(200);
    }
  });

  test("a user without a password comes in with none", async () => {
    await admin("CREATE USER mute WITH PASSWORD ''");
    expect((await ask("SHOW DATABASES", basic("mute", ""))).status).toBe(401);
  });

  test("tokens: made, used, listed without themselves, taken back; gone with their user", async () => {
    const created = JSON.parse(await admin("CREATE TOKEN FOR wil")).results[0].series[0];
    expect(created.columns).toEqual(["id", "user", "token"]);
    const [id, , token] = created.values[0];
    for (const scheme of ["Token", "Bearer"]) {
      const headers = { Authorization: `${scheme} ${token}` };
      expect((await write(headers, "bucket=d", "/api/v2/write")).status).toBe(204);
      expect((await ask("SELECT * FROM m", headers)).status).toBe(403); // wil may not read
    }
    const listed = await admin("SHOW TOKENS");
    expect(listed).toContain(`["${id}","wil","20`);
    expect(listed).not.toContain(token);
    expect(await admin(`DROP TOKEN '${id}'`)).toBe(ok);
    expect(await admin(`DROP TOKEN '${id}'`)).toBe(errorOf(`token not found: ${id}`));
    expect((await write({ Authorization: `Token ${token}` })).status).toBe(401);
    await admin("CREATE USER brief WITH PASSWORD 'pw' WITH ALL PRIVILEGES");
    const other = JSON.parse(await admin("CREATE TOKEN FOR brief")).results[0].series[0].values[0][2];
    expect((await write({ Authorization: `Token ${other}` })).status).toBe(204);
    await admin("DROP USER brief");
    expect((await write({ Authorization: `Token ${other}` })).status).toBe(401);
    expect(await admin("CREATE TOKEN FOR brief")).toBe(errorOf("user not found"));
  });

  test("a changed password counts at once, in both directions", async () => {
    await admin("CREATE USER cha WITH PASSWORD 'one'");
    expect((await ask("SHOW DATABASES", basic("cha", "one"))).status).toBe(200);
    expect((await ask("SHOW DATABASES", basic("cha", "two"))).status).toBe(401);
    await admin("SET PASSWORD FOR cha = 'two'");
    expect((await ask("SHOW DATABASES", basic("cha", "one"))).status).toBe(401);
    expect((await ask("SHOW DATABASES", basic("cha", "two"))).status).toBe(200);
    await admin("DROP USER cha");
    expect((await ask("SHOW DATABASES", basic("cha", "two"))).status).toBe(401);
  });

  test("a password is checked slowly once, right or wrong, however many ask", async () => {
    await admin("CREATE USER often WITH PASSWORD 'pw'");
    const before = db.users.passwords.checkCount;
    await Promise.all(Array.from({ length: 30 }, () => ask("SHOW DATABASES", basic("often"))));
    await Promise.all(Array.from({ length: 30 }, () => ask("SHOW DATABASES", basic("often", "wrong"))));
    expect(db.users.passwords.checkCount - before).toBe(2);
  });
});

describe("secrets", () => {
  test("no password in errors, in SHOW QUERIES, or on disk", async () => {
    for (const q of ["CREATE USER x WITH PASSWORD hunter2", 'SET PASSWORD FOR bob = "hunter2"']) {
      const answer = await ask(q, basic("admin"));
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain("found [REDACTED], expected string");
    }
    const many = await admin("SHOW QUERIES; CREATE USER leak WITH PASSWORD 'hunter2'");
    expect(many).toContain("CREATE USER leak WITH PASSWORD [REDACTED]");
    expect(many).not.toContain("hunter2");
    const warned = await fetch(
      `${server.url}/query?q=${encodeURIComponent("CREATE USER leak WITH PASSWORD 'hunter2'")}`,
      { headers: basic("admin") },
    );
    expect(await warned.text()).not.toContain("hunter2");
    const token = JSON.parse(await admin("CREATE TOKEN FOR leak")).results[0].series[0].values[0][2];
    const stored = readFileSync(join(dataDir, "users"), "utf8");
    expect(stored).toContain("$argon2id$");
    expect(stored).not.toContain("hunter2");
    expect(stored).not.toContain(token);
  });
});

describe("guessing", () => {
  test("ten wrong passwords of a name, then it waits; the right one that is known still comes in", async () => {
    let nowMs = 0;
    const clock: Clock = { ...systemClock, nowNs: () => 0n, elapsedMs: () => nowMs };
    const users = new Users(new MemoryDisk(), "/users", clock, () => true);
    await users.create("u", "right", false);
    const login = (password: string) => users.authenticate({ kind: "password", user: "u", password });
    expect(await login("right")).toMatchObject({ user: "u" });
    for (let i = 0; i < 10; i++) expect(await login(`guess ${i}`)).toBeNull();
    expect(login("guess 10")).rejects.toThrow("too many failed logins");
    expect(await login("right")).toMatchObject({ user: "u" });
    nowMs += 10_001;
    expect(await login("guess 10")).toBeNull();
  });
});

describe("the file", () => {
  const open = (disk: MemoryDisk) => new Users(disk, "/users", systemClock, () => true);

  test("says the same after a restart", async () => {
    await server.stop(0);
    await db.close();
    db = await Database.open({ dataDir });
    server = serve(db, { port: 0, authEnabled: true });
    expect((await write(basic("wil"))).status).toBe(204);
    expect((await ask("SELECT f FROM m", basic("bob"))).status).toBe(200);
    expect((await write(basic("bob"))).status).toBe(403);
  });

  test("changes that come together are all there", async () => {
    const disk = new MemoryDisk();
    const users = open(disk);
    await Promise.all(Array.from({ length: 8 }, (_, i) => users.create(`u${i}`, "", false)));
    await Promise.all(Array.from({ length: 8 }, (_, i) => users.grant(`u${i}`, "read", "d")));
    const read = open(disk);
    expect(read.list()).toHaveLength(8);
    for (const { name } of read.list())
      expect(read.grants(name)).toEqual([{ database: "d", privilege: "read" }]);
  });

  test("what the disk refused did not happen, and nothing is changed after it", async () => {
    const disk = new MemoryDisk();
    const users = open(disk);
    await users.create("kept", "", false);
    const rename = disk.rename.bind(disk);
    disk.rename = () => {
      throw new DiskError("no space");
    };
    expect(users.create("lost", "", true)).rejects.toThrow("no space");
    disk.rename = rename;
    expect(users.create("later", "", false)).rejects.toThrow("users cannot change since the disk failed");
    await Bun.sleep(0);
    expect(users.list().map(({ name }) => name)).toEqual(["kept"]);
    expect(users.isEmpty).toBe(false);
  });

  test("a damaged one stops the start", async () => {
    const disk = new MemoryDisk();
    await open(disk).create("u", "", false);
    const file = disk.open("/users", "append");
    file.writeAt(file.sizeBytes - 5, new Uint8Array([88]));
    expect(() => open(disk)).toThrow("checksum");
  });
});

test("an open server listens on loopback alone, unless it is meant", async () => {
  expect(() => serve(db, { host: "0.0.0.0", port: 0 })).toThrow("--allow-open");
  for (const options of [{ allowOpen: true }, { authEnabled: true }])
    await serve(db, { host: "0.0.0.0", port: 0, ...options }).stop(0);
});

test("CREATE CONTINUOUS QUERY reads and writes the request's database where it names none", async () => {
  await admin("CREATE USER own WITH PASSWORD 'pw'; CREATE DATABASE foreign; CREATE DATABASE mine");
  await admin("GRANT ALL ON mine TO own");
  const create =
    "CREATE CONTINUOUS QUERY q ON mine BEGIN SELECT mean(v) INTO mine..o FROM m GROUP BY time(1h) END";
  const refused = await ask(create, basic("own"), "db=foreign");
  expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining("READ on foreign")]);
  for (const parameters of ["", "db=mine"]) {
    expect((await ask(create, basic("own"), parameters)).status).toBe(200);
    expect(await admin("SHOW CONTINUOUS QUERIES")).toContain("FROM mine.autogen.m GROUP BY");
    await admin("DROP CONTINUOUS QUERY q ON mine");
  }
  await admin("DROP DATABASE foreign; DROP DATABASE mine; DROP USER own");
});

test("SHOW CONTINUOUS QUERIES tells of the databases that its user may read", async () => {
  await admin(
    "CREATE DATABASE seen; CREATE DATABASE secret; CREATE USER cq WITH PASSWORD 'pw'; GRANT READ ON seen TO cq",
  );
  for (const name of ["seen", "secret"])
    await admin(
      `CREATE CONTINUOUS QUERY q ON ${name} BEGIN SELECT mean(v) INTO ${name}.autogen.o FROM ${name}.autogen.m GROUP BY time(1h) END`,
    );
  const answer = await textOf(ask("SHOW CONTINUOUS QUERIES", basic("cq"), "db=seen"));
  expect(answer).toContain('"name":"seen"');
  expect(answer).not.toContain("secret");
  expect(await admin("SHOW CONTINUOUS QUERIES")).toContain('"name":"secret"');
});

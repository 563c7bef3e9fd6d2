// What Telegraf's outputs.influxdb and outputs.influxdb_v2 send, and the answers by which they keep, drop or send again.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../../src/db/database.ts";
import { type ServeOptions, serve } from "../../src/server.ts";
import { basic, createDatabase, gathered, raw, streamed, telegraf } from "./raw.ts";
import { type Servers, sameOnBoth, startServers } from "./servers.ts";

let servers: Servers;
let withUsers: Servers;
beforeAll(async () => {
  [servers, withUsers] = await Promise.all([startServers(), startServers({ authEnabled: true })]);
});
afterAll(async () => {
  await Promise.all([servers.stop(), withUsers.stop()]);
});

const batch = `${gathered.join("\n")}\n`;
const select = (url: string, database: string, q: string, more: readonly string[] = []) =>
  raw(url, [`GET /query?db=${database}&epoch=ns&q=${encodeURIComponent(q)} HTTP/1.1`, ...more]);

describe("outputs.influxdb", () => {
  test("creates its database, then writes, compressed and chunked", async () => {
    const seen = await sameOnBoth(servers, async (url) => [
      await createDatabase(url, "telegraf"),
      await telegraf(url, "db=telegraf", batch),
      await telegraf(url, "db=telegraf&rp=autogen&consistency=all", batch),
      await telegraf(url, "db=telegraf&rp=nope", batch),
      await select(url, "telegraf", "SELECT * FROM cpu; SELECT * FROM system; SELECT * FROM disk"),
    ]);
    expect(seen.slice(0, 3)).toEqual([
      { status: 200, body: '{"results":[{"statement_id":0}]}' },
      { status: 204, body: "" },
      { status: 204, body: "" },
    ]);
    // (its text is what makes Telegraf drop the batch instead of sending it for ever)
    expect(seen[3]!.body).toContain("retention policy not found");
    expect(seen[4]!.body).toContain('"1 day, 2:03"');
  });

  test("lines as its serializer escapes them", async () => {
    const lines = [
      "tabs\\tand\\ nl\\n,a\\ key=a\\tvalue\\,\\= f\\ 1=1i 1",
      'text s="line one\nline two \\"quoted\\" \\\\",t="" 2',
      "wide,tag=ünï f=9223372036854775807i,g=-1.7976931348623157e+308 3",
    ];
    const seen = await sameOnBoth(servers, async (url) => [
      await createDatabase(url, "escapes"),
      await telegraf(url, "db=escapes", `${lines.join("\n")}\n`),
      await select(url, "escapes", "SELECT * FROM /.*/; SHOW SERIES; SHOW FIELD KEYS"),
    ]);
    expect(seen[1]!.status).toBe(204);
    expect(seen[2]!.body).toContain("line one\\nline two");
  });

  test("with a name and a password: 401 without, 403 without the right", async () => {
    const admin = [basic("telegraf_admin", "s:cret")];
    const writer = [basic("writer", "w")];
    const seen = await sameOnBoth(withUsers, async (url) => [
      await raw(url, [
        `POST /query?q=${encodeURIComponent("CREATE USER telegraf_admin WITH PASSWORD 's:cret' WITH ALL PRIVILEGES")} HTTP/1.1`,
        "Content-Length: 0",
      ]),
      await createDatabase(url, "t"),
      await createDatabase(url, "t", admin),
      await select(url, "t", "CREATE USER writer WITH PASSWORD 'w'", admin).then(({ status }) => status),
      await telegraf(url, "db=t", batch),
      await telegraf(url, "db=t", batch, [basic("writer", "wrong")]),
      await telegraf(url, "db=t", batch, writer),
      await select(url, "t", "GRANT WRITE ON t TO writer", admin).then(({ status }) => status),
      await telegraf(url, "db=t", batch, writer),
      await createDatabase(url, "t", writer),
      await select(url, "t", "SELECT count(usage_idle) FROM cpu", admin),
    ]);
    const statuses = seen.map((each) => (typeof each === "number" ? each : each.status));
    expect(statuses).toEqual([200, 401, 200, 200, 401, 401, 403, 200, 204, 403, 200]);
  });

  test("what cannot be stored is named in JSON with 400, the rest is stored", async () => {
    const { serieUrl: url } = servers;
    const lines = 'part v=1 1\npart v="x" 2\nnonsense\npart v=3 3\n';
    const { status, body } = await telegraf(url, "db=part", lines);
    expect(status).toBe(400);
    expect(JSON.parse(body).error).toMatch(/^partial write: .*dropped=\d/s);
    expect((await select(url, "part", "SELECT v FROM part")).body).toContain('"values":[[1,1],[3,3]]');
  });

  test("an unknown database is 404 with the words that make Telegraf create it", () =>
    serving({}, { autoCreateDatabase: false }, async (url) => {
      expect(await telegraf(url, "db=none", batch)).toEqual({
        status: 404,
        body: '{"error":"database not found: \\"none\\""}',
      });
      await createDatabase(url, "none");
      expect((await telegraf(url, "db=none", batch)).status).toBe(204);
    }));
});

describe("outputs.influxdb_v2", () => {
  const write = (url: string, bucket: string, lines: string, token = "telegraf_admin:s:cret") =>
    streamed(url, `/api/v2/write?bucket=${bucket}&org=home`, lines, [`Authorization: Token ${token}`]);

  test("writes with a token, compressed and chunked", () =>
    serving({ authEnabled: true }, {}, async (url, db) => {
      const run = async (q: string) => {
        const rows = [];
        for await (const { series } of db.run(q, { database: "t2" }))
          for await (const part of series) rows.push(...part.rows);
        return rows;
      };
      await run("CREATE USER root WITH PASSWORD 's:cret' WITH ALL PRIVILEGES");
      await run("CREATE DATABASE t2");
      const token = String((await run("CREATE TOKEN FOR root"))[0]?.at(-1));
      expect((await write(url, "t2", batch, token)).status).toBe(204);
      expect((await write(url, "t2%2Fautogen", batch, "root:s:cret")).status).toBe(204);
      expect(await run("SELECT count(usage_idle) FROM cpu")).toEqual([[0n, 2]]);

      const refused = await write(url, "t2", batch, "wrong");
      expect([refused.status, JSON.parse(refused.body).code]).toEqual([401, "unauthorized"]);
    }));

  test("an unknown bucket is 404, an unreadable line 400 for its batch, another type 422 for itself", () =>
    serving({}, { autoCreateDatabase: false }, async (url) => {
      const missing = await write(url, "none", batch);
      expect([missing.status, JSON.parse(missing.body).code]).toEqual([404, "not found"]);
      await createDatabase(url, "b");
      const unreadable = await write(url, "b", "m v=1 1\nnonsense\n");
      expect([unreadable.status, JSON.parse(unreadable.body).code]).toEqual([400, "invalid"]);
      expect((await select(url, "b", "SELECT v FROM m")).body).toBe('{"results":[{"statement_id":0}]}');
      const partial = await write(url, "b", 'm v=1 1\nm v="x" 2\nm v=3 3\n');
      expect([partial.status, JSON.parse(partial.body).code]).toEqual([422, "unprocessable entity"]);
      expect(JSON.parse(partial.body).message).toContain("dropped=1");
      expect((await select(url, "b", "SELECT v FROM m")).body).toContain('"values":[[1,1],[3,3]]');
    }));
});

test("a busy server answers 503 in JSON, tells v2 when to come again, and 413 makes it halve its batch", () =>
  serving({ maxInflightSize: "1MiB", maxBodySize: 1_500_000 }, {}, async (url) => {
    const v2 = (body: string) =>
      fetch(new URL("/api/v2/write?bucket=d&org=o", url), {
        method: "POST",
        headers: { Authorization: "Token t", "Content-Type": "text/plain; charset=utf-8" },
        body,
      });
    // declares a body that takes its time
    const large = `# ${"x".repeat(1_040_000)}\n${gathered[0]}\n`;
    const { hostname, port } = new URL(url);
    const slow = connect(Number(port), hostname);
    slow.write(`POST /write?db=d HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${large.length}\r\n\r\n`);
    slow.write(large.slice(0, 1000));
    await Bun.sleep(100);
    const refused = await telegraf(url, "db=d", `# ${"y".repeat(20_000)}\n${gathered[0]}\n`.repeat(3));
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body).error).toContain("throttled");
    const later = await v2(`# ${"y".repeat(20_000)}\n${gathered[0]}\n`);
    expect([429, 503]).toContain(later.status);
    expect(Number(later.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    slow.write(large.slice(1000));
    await Bun.sleep(200);
    slow.destroy();
    const tooLarge = await v2(`${gathered[0]}\n`.repeat(25_000));
    expect(tooLarge.status).toBe(413);
    expect(await tooLarge.json()).toHaveProperty("code", "request too large");
  }));

/** A serie of its own options, for as long as a test runs. */
async function serving(
  options: ServeOptions,
  database: { readonly autoCreateDatabase?: boolean },
  run: (url: string, db: Database) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "serie-telegraf-"));
  const db = await Database.open({ dataDir: folder, ...database });
  const server = serve(db, { port: 0, ...options });
  try {
    await run(server.url, db);
  } finally {
    await server.stop(0);
    await db.close();
    rmSync(folder, { recursive: true });
  }
}

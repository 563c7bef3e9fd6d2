// Requests as Telegraf's outputs and Grafana's InfluxDB data source send them (CLIENTS.md tells where in their sources), over
// connections of our own, so that headers, gzip and chunked bodies are theirs to the byte.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Database } from "../../src/db/database.ts";
import { type Server, serve } from "../../src/server.ts";
import { type Servers, sameOnBoth, startServers } from "./servers.ts";

let servers: Servers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Sends a request as it stands and reads its answer. */
function raw(url: string, head: readonly string[], body: readonly Uint8Array[] = []): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${[...head, `Host: ${hostname}:${port}`, "Connection: close"].join("\r\n")}\r\n\r\n`);
      for (const part of body) socket.write(part);
    });
    socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)));
    socket.on("error", reject);
    socket.on("close", () => {
      const text = Buffer.concat(chunks).toString();
      const [headers = "", ...rest] = text.split("\r\n\r\n");
      const isChunked = /transfer-encoding: chunked/i.test(headers);
      const whole = rest.join("\r\n\r\n");
      const body = isChunked ? whole.replace(/(?:^|\r\n)[0-9a-f]+\r\n/gi, "").trim() : whole.trim();
      resolve({ status: Number(/ (\d{3})/.exec(headers)?.[1]), body });
    });
  });
}

/** A body of unknown length, as Go's client streams it. */
const chunked = (bytes: Uint8Array) => [
  Buffer.from(`${bytes.length.toString(16)}\r\n`),
  bytes,
  Buffer.from("\r\n0\r\n\r\n"),
];

/** outputs.influxdb: gzip, chunked, no precision. */
const telegraf = (url: string, parameters: string, lines: string) =>
  raw(
    url,
    [
      `POST /write?${parameters} HTTP/1.1`,
      "User-Agent: Telegraf/1.30.0 Go/1.22.2",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Encoding: gzip",
      "Transfer-Encoding: chunked",
    ],
    chunked(gzipSync(lines)),
  );

const createDatabase = (url: string, database: string) => {
  const body = `q=CREATE+DATABASE+%22${database}%22`;
  return raw(
    url,
    [
      "POST /query HTTP/1.1",
      "User-Agent: Telegraf/1.30.0 Go/1.22.2",
      "Content-Type: application/x-www-form-urlencoded",
      `Content-Length: ${body.length}`,
    ],
    [Buffer.from(body)],
  );
};

const lines = [
  "cpu,cpu=cpu0,host=web\\ 1 usage_idle=91.5,usage_user=4i 1700000000000000000",
  "cpu,cpu=cpu1,host=web\\ 1 usage_idle=87,usage_user=9i 1700000010000000000",
  'system,host=web\\ 1 uptime_format="1 day, 2:03",load1=0.5 1700000000000000000',
  "disk,host=web\\ 1,path=/ used=123456789i,full=false 1700000020000000000",
];

describe("Telegraf's outputs.influxdb", () => {
  test("creates its database, then writes, compressed and chunked", async () => {
    const seen = await sameOnBoth(servers, async (url) => [
      await createDatabase(url, "telegraf"),
      await telegraf(url, "db=telegraf", `${lines.join("\n")}\n`),
      await telegraf(url, "db=telegraf&rp=autogen&consistency=all", `${lines[0]}\n`),
      await telegraf(url, "db=missing_rp&rp=nope", `${lines[0]}\n`).then(({ status }) => status >= 400),
    ]);
    expect(seen.slice(0, 3)).toEqual([
      { status: 200, body: '{"results":[{"statement_id":0}]}' },
      { status: 204, body: "" },
      { status: 204, body: "" },
    ]);
  });

  test("what cannot be stored is named in JSON with 400, the rest is stored", async () => {
    const { serieUrl: url } = servers;
    await createDatabase(url, "telegraf");
    const { status, body } = await telegraf(
      url,
      "db=part",
      'part v=1 1\npart v="x" 2\nnonsense\npart v=3 3\n',
    );
    expect(status).toBe(400);
    expect(JSON.parse(body).error).toMatch(/^partial write: .*dropped=\d/s);
    const answer = await fetch(`${url}/query?db=part&q=${encodeURIComponent("SELECT v FROM part")}&epoch=ns`);
    expect(await answer.text()).toContain('"values":[[1,1],[3,3]]');
  });

  test("an unknown database is 404 with the words that make Telegraf create it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "serie-telegraf-"));
    const db = await Database.open({ dataDir: folder, autoCreateDatabase: false });
    const server = serve(db, { port: 0 });
    try {
      expect(await telegraf(server.url, "db=none", `${lines[0]}\n`)).toEqual({
        status: 404,
        body: '{"error":"database not found: \\"none\\""}',
      });
      await createDatabase(server.url, "none");
      expect((await telegraf(server.url, "db=none", `${lines[0]}\n`)).status).toBe(204);
    } finally {
      await close(server, db, folder);
    }
  });

  test("a busy server answers 503 in JSON; outputs.influxdb_v2 is told when to come again, and 413 halves its batch", async () => {
    const folder = mkdtempSync(join(tmpdir(), "serie-telegraf-"));
    const db = await Database.open({ dataDir: folder });
    const server = serve(db, { port: 0, maxInflightSize: "1MiB", maxBodySize: 1_500_000 });
    const big = `# ${"x".repeat(1_040_000)}\n${lines[0]}\n`;
    try {
      // declares a body that takes its time
      const { hostname, port } = new URL(server.url);
      const slow = connect(Number(port), hostname);
      slow.write(
        `POST /write?db=d HTTP/1.1\r\nHost: x\r\nContent-Length: ${big.length}\r\n\r\n${big.slice(0, 1000)}`,
      );
      await Bun.sleep(100);
      const v1 = await telegraf(server.url, "db=d", `# ${"y".repeat(20_000)}\n${lines[0]}\n`.repeat(3));
      expect(v1.status).toBe(503);
      expect(JSON.parse(v1.body).error).toContain("throttled");
      const v2 = await fetch(`${server.url.replace(/\/$/, "")}/api/v2/write?bucket=d&org=o`, {
        method: "POST",
        headers: { Authorization: "Token t", "Content-Type": "text/plain; charset=utf-8" },
        body: `# ${"y".repeat(20_000)}\n${lines[0]}\n`,
      });
      expect([429, 503]).toContain(v2.status);
      expect(Number(v2.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      slow.write(big.slice(1000));
      await Bun.sleep(200);
      slow.destroy();
      const tooLarge = await fetch(`${server.url.replace(/\/$/, "")}/api/v2/write?bucket=d&org=o`, {
        method: "POST",
        body: `${lines[0]}\n`.repeat(25_000),
      });
      expect(tooLarge.status).toBe(413);
      expect(await tooLarge.json()).toHaveProperty("code", "request too large");
    } finally {
      await close(server, db, folder);
    }
  });
});

async function close(server: Server, db: Database, folder: string): Promise<void> {
  await server.stop(0);
  await db.close();
  rmSync(folder, { recursive: true });
}

describe("Grafana's InfluxDB data source", () => {
  const get = (url: string, q: string, more = "") =>
    raw(url, [
      `GET /query?db=telegraf&epoch=ms&q=${encodeURIComponent(q)}${more} HTTP/1.1`,
      "User-Agent: Grafana/11.0.0",
      "Accept: application/json",
    ]);
  const post = (url: string, q: string) => {
    const body = `q=${encodeURIComponent(q)}`;
    return raw(
      url,
      [
        "POST /query?db=telegraf&epoch=ms HTTP/1.1",
        "User-Agent: Grafana/11.0.0",
        "Content-Type: application/x-www-form-urlencoded",
        `Content-Length: ${body.length}`,
      ],
      [Buffer.from(body)],
    );
  };
  const range = "time >= 1699999990000ms and time <= 1700000030000ms";

  test.each([
    "SHOW measurements",
    'SHOW RETENTION POLICIES on "telegraf"',
    'SHOW FIELD KEYS FROM "cpu"',
    'SHOW FIELD KEYS FROM "autogen"."cpu"',
    'SHOW TAG KEYS FROM "cpu"',
    "SHOW TAG KEYS FROM /^(?:cpu|disk)$/",
    'SHOW TAG VALUES WITH KEY = "host"',
    `SHOW TAG VALUES FROM "cpu" WITH KEY = "cpu" WHERE "host" =~ /^web 1$/`,
    "SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)C\\w+/ LIMIT 100",
    `SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)d/ WHERE "host" = 'web 1' LIMIT 100`,
    `SELECT mean("usage_idle") FROM "cpu" WHERE ("host"::tag = 'web 1' AND "cpu" =~ /^cpu[01]$/) AND ${range} GROUP BY time(10s), "cpu"::tag fill(null)`,
    `SELECT mean("usage_idle") AS "idle", non_negative_derivative(mean("usage_user"), 1s) / 100 FROM "autogen"."cpu" WHERE ${range} GROUP BY time(10s), "host" fill(none) ORDER BY time ASC limit 10 slimit 5 tz('Europe/Berlin')`,
    `SELECT distinct("usage_user"), last("usage_idle") FROM "cpu" WHERE ${range} GROUP BY time(1m) fill(0)`,
    `SELECT percentile("usage_idle", 95), spread("usage_idle") FROM /^cpu$/ WHERE ${range} GROUP BY time(20s) fill(linear)`,
    `SELECT top("usage_idle", 1), "cpu" FROM "cpu" WHERE ${range}`,
    `SELECT "uptime_format" FROM "system" WHERE ${range} ORDER BY time DESC LIMIT 100`,
    `SELECT "used" FROM "disk" WHERE "path" = '/' and ${range}`,
    'SELECT mean("nothing") FROM "nowhere" WHERE time > now() - 6h and time <= now() GROUP BY time(1m)',
    "SELECT mean(usage_idle FROM cpu",
    "SELECT bogus(usage_idle) FROM cpu",
  ])("%s", async (q) => {
    const seen = await sameOnBoth(servers, async (url) => {
      await createDatabase(url, "telegraf");
      await telegraf(url, "db=telegraf", `${lines.join("\n")}\n`);
      return [await get(url, q, "&rp="), await post(url, q)];
    });
    for (const { status, body } of seen) {
      const { results, error } = JSON.parse(body);
      // (an empty list makes Grafana's parser panic)
      if (status === 200) expect(results.length).toBeGreaterThan(0);
      else expect(error).toBeString();
      if (/^select/i.test(q))
        for (const { columns } of results?.[0].series ?? []) expect(columns[0]).toBe("time");
    }
  });

  test("intervals of a year, which its formatter makes and influxd refuses", async () => {
    const { status, body } = await get(
      servers.serieUrl,
      `SELECT mean("usage_idle") FROM "cpu" WHERE time >= 1600000000000ms and time <= 1700000030000ms GROUP BY time(1y) fill(none)`,
    );
    expect(status).toBe(200);
    expect(JSON.parse(body).results[0].series[0].values).toHaveLength(1);
  });
});

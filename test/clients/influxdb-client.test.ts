// The npm client `@influxdata/influxdb-client` (InfluxDB 2's): writes with gzip, batches and retries that lose and repeat nothing.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type HttpError,
  InfluxDB,
  Point,
  setLogger,
  type WriteOptions,
  type WritePrecisionType,
} from "@influxdata/influxdb-client";
import { Database } from "../../src/db/database.ts";
import { type Server, serve } from "../../src/server.ts";

// (the client says on the console what it also throws)
setLogger({ error: () => undefined, warn: () => undefined });

const folder = mkdtempSync(join(tmpdir(), "serie-client2-"));
let db: Database;
let server: Server;
let token = "";
const ask = async (q: string) => {
  const results = [];
  for await (const { series } of db.run(q, { database: "d" }))
    for await (const part of series) results.push(...part.rows);
  return results;
};
beforeAll(async () => {
  db = await Database.open({ dataDir: join(folder, "data") });
  server = serve(db, { port: 0, authEnabled: true });
  await ask("CREATE USER root WITH PASSWORD 'pw' WITH ALL PRIVILEGES");
  await ask("CREATE DATABASE d");
  await ask("CREATE RETENTION POLICY long ON d DURATION 5200w REPLICATION 1");
  token = String((await ask("CREATE TOKEN FOR root"))[0]?.at(-1));
});
afterAll(async () => {
  await server.stop(0);
  await db.close();
  rmSync(folder, { recursive: true });
});

const writer = (
  bucket: string,
  precision: WritePrecisionType,
  options: Partial<WriteOptions> = {},
  by = token,
) => new InfluxDB({ url: server.url, token: by }).getWriteApi("org", bucket, precision, options);

test.each(["ns", "us", "ms", "s"] as const)(
  "points of every type in %s, compressed and in batches",
  async (precision) => {
    const unit = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 }[precision];
    const api = writer("d/long", precision, { batchSize: 100, gzipThreshold: 200 });
    for (let i = 0; i < 1050; i++)
      api.writePoint(
        new Point(`points_${precision}`)
          .tag("host", `h ${i % 3}`)
          .floatField("f", i / 4)
          .intField("i", i)
          .uintField("u", i)
          .booleanField("b", i % 2 === 0)
          .stringField("s", 'say "hi"\\')
          .timestamp(i),
      );
    await api.close();
    // (it does not wait for the batches that it sent on its way)
    await until(async () => (await ask(`SELECT count(f) FROM long.points_${precision}`))[0]?.[1] === 1050);
    expect(await ask(`SELECT count(f), sum(i), last(s) FROM long.points_${precision}`)).toEqual([
      [0n, 1050, (1049 * 1050) / 2, 'say "hi"\\'],
    ]);
    const [last] = await ask(`SELECT last(i) FROM long.points_${precision}`);
    expect(last![0]).toBe(BigInt(1049 * unit));
  },
);

test("user:password is a token, too; a wrong one is refused", async () => {
  const good = writer("d", "ns", {}, "root:pw");
  good.writeRecord("tokens f=1 1");
  await good.close();
  expect(await ask("SELECT f FROM tokens")).toEqual([[1n, 1]]);
  const bad = writer("d", "ns", { maxRetries: 0, writeFailed: () => undefined }, "nobody");
  bad.writeRecord("tokens f=2 2");
  await expect(bad.flush()).rejects.toThrow("authorization failed");
  await bad.close().catch(() => undefined);
});

test("a line that cannot be read refuses the whole batch, a value of another type only itself", async () => {
  const failures: string[] = [];
  const options = { maxRetries: 0, writeFailed: (error: Error) => void failures.push(error.message) };
  const unreadable = writer("d", "ns", options);
  unreadable.writeRecords(["refused f=1 1", "refused f=", "refused f=3 3"]);
  await unreadable.close().catch(() => undefined);
  expect(failures.join()).toContain("refused f=");
  expect(await ask("SELECT f FROM refused")).toEqual([]);

  const other = writer("d", "ns", options);
  other.writeRecords(["typed f=1 1", 'typed f="text" 2', "typed f=3 3"]);
  await other.close().catch(() => undefined);
  expect(failures.join()).toContain("dropped=1");
  expect(await ask("SELECT f FROM typed")).toEqual([
    [1n, 1],
    [3n, 3],
  ]);
});

test("a server that is busy is asked again: nothing is lost, nothing is there twice", async () => {
  const busy = serve(db, { port: 0, authEnabled: true, maxInflightSize: "1MiB", maxBodySize: 2_000_000 });
  const held = fetch(`${busy.url.replace(/\/$/, "")}/api/v2/write?bucket=d`, {
    method: "POST",
    body: slowBody(1_040_000),
    headers: { Authorization: `Token ${token}` },
  });
  await Bun.sleep(50);
  const refusals: number[] = [];
  const api = new InfluxDB({ url: busy.url, token }).getWriteApi("org", "d", "ns", {
    ...{ batchSize: 500, gzipThreshold: 1_000_000, minRetryDelay: 20, maxRetryDelay: 100 },
    // (it takes the seconds of Retry-After for milliseconds)
    maxRetries: 1000,
    writeFailed: (error: Error) => {
      refusals.push((error as HttpError).statusCode);
    },
  });
  for (let i = 0; i < 5000; i++) api.writeRecord(`busy,host=h${i % 7} v=${i} ${i}`);
  expect((await held).status).toBe(204);
  // what was refused is in the client's buffer, and is sent again after a while
  await until(async () => (await ask("SELECT count(v) FROM busy"))[0]?.[1] === 5000);
  await api.close();
  await busy.stop(0);
  expect(refusals.length).toBeGreaterThan(0);
  expect(refusals.every((status) => status === 503 || status === 429)).toBe(true);
  expect(await ask("SELECT count(v), sum(v) FROM busy")).toEqual([[0n, 5000, (4999 * 5000) / 2]]);
});

/** Waits for a while at most: what is asked then says what is wrong. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100 && !(await holds()); i++) await Bun.sleep(50);
}

/** A body that takes its time. */
function slowBody(sizeBytes: number): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode(`slow f=1 1\n${"#".repeat(sizeBytes - 20)}`));
      await Bun.sleep(300);
      controller.close();
    },
  });
}

test("queries in Flux are answered with what to do instead", async () => {
  const rows = new InfluxDB({ url: server.url, token }).getQueryApi("org").collectRows("buckets()");
  await expect(rows).rejects.toThrow("Flux");
});

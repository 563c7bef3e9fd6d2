// The stages of writes in /metrics: every stage counts its own work, and no other's.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { open } from "../src/index.ts";
import { serve } from "../src/server.ts";

const folder = mkdtempSync(join(tmpdir(), "serie-stages-"));
let db: Awaited<ReturnType<typeof open>>;
let server: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  db = await open({ dataDir: folder, partitions: 2 });
  server = serve(db, { port: 0 });
});
afterAll(async () => {
  await server.stop(0);
  await db.close();
  rmSync(folder, { recursive: true });
});

async function stages(): Promise<Record<string, number>> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const found = text.matchAll(/^serie_stage_seconds_total\{stage="(\w+)"\} (\S+)$/gm);
  return Object.fromEntries([...found].map(([, stage, value]) => [stage!, Number(value)]));
}

/** The stages that grew while `work` ran, by name. */
async function grown(work: () => Promise<unknown>): Promise<string[]> {
  const before = await stages();
  const start = performance.now();
  await work();
  const tookS = (performance.now() - start) / 1000;
  const after = await stages();
  for (const [stage, value] of Object.entries(after)) {
    expect(value).toBeGreaterThanOrEqual(before[stage]!);
    // seconds, and of one request at a time
    expect(value - before[stage]!).toBeLessThanOrEqual(tookS + 0.01);
  }
  return Object.keys(after)
    .filter((stage) => after[stage]! > before[stage]!)
    .sort();
}

const lines = Array.from({ length: 3000 }, (_, i) => `m,host=h${i % 10} v=${i / 4} ${i}`).join("\n");

async function write(
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${server.url}${path}`, { method: "POST", body, headers });
  expect(response.status).toBe(204);
}

test("a write is received, parsed, logged, brought to memory and synced", async () => {
  // (the database is made)
  await write("/write?db=d", "m v=1 1");
  const stored = ["log", "memtable", "parse", "receive", "sync"];
  expect(await grown(() => write("/write?db=d", lines))).toEqual(stored);
  const point = JSON.stringify({ measurement: "m", fields: { v: 1 }, time: 5 });
  expect(await grown(() => write("/write/json?db=d", point))).toEqual(stored);
  const gzip = { "Content-Encoding": "gzip" };
  const compressed = new Uint8Array(gzipSync(lines));
  expect(await grown(() => write("/write?db=d", compressed, gzip))).toEqual(["inflate", ...stored]);
});

test("a flush encodes, and syncs the log before the segments", async () => {
  expect(await grown(() => db.flush())).toEqual(["encode", "flush", "sync"]);
  const { encode, flush } = await stages();
  expect(encode!).toBeLessThan(flush!);
});

test("a body that cannot be read took its time, too", async () => {
  const refused = async () => {
    const response = await fetch(`${server.url}/write/json?db=d`, { method: "POST", body: "{" });
    expect(response.status).toBe(400);
  };
  expect(await grown(refused)).toEqual(["parse", "receive"]);
});

// What serie says of its memory, as Go programs say it: what is used is a part of what the heap has, and that of what the process has.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "../src/index.ts";
import { serve } from "../src/server.ts";

test("SHOW STATS and /debug/vars: Alloc <= HeapSys <= Sys, also where memory outside of the heap is untouched", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-memory-"));
  const db = await open({ dataDir });
  const server = serve(db, { port: 0, logLevel: "silent" });
  const untouched = new ArrayBuffer(600 * 2 ** 20);
  try {
    const [{ columns, rows } = { columns: [], rows: [] }] = await db.query("SHOW STATS FOR 'runtime'");
    const shown = Object.fromEntries(columns.map((name, i) => [name, Number(rows[0]?.[i])]));
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    const { memstats } = (await (await fetch(`${server.url}/debug/vars`)).json()) as any;
    for (const { Alloc, HeapAlloc, HeapSys, Sys } of [shown, memstats]) {
      expect(Alloc).toBeGreaterThanOrEqual(untouched.byteLength);
      expect(HeapAlloc).toBe(Alloc);
      expect(HeapSys).toBeGreaterThanOrEqual(Alloc);
      expect(Sys).toBeGreaterThanOrEqual(HeapSys);
    }
    expect(memstats.HeapIdle).toBe(memstats.HeapSys - memstats.HeapInuse);
  } finally {
    await server.stop();
    await db.close();
    rmSync(dataDir, { recursive: true });
  }
});

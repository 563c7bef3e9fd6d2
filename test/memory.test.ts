// What serie says of its memory, as Go programs say it: what is used is a part of what the heap has, and that of what the process has.
import { expect, spyOn, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "../src/index.ts";
import { Kernels } from "../src/kernels/kernels.ts";
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

test("an open database looks from time to time whether linear memory can go back", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-memory-"));
  const rest = spyOn(Kernels.prototype, "rest");
  const db = await open({ dataDir, flushInterval: "100ms" });
  try {
    for (const deadline = Date.now() + 10_000; rest.mock.calls.length < 2 && Date.now() < deadline; )
      await Bun.sleep(20);
    expect(rest.mock.calls.length).toBeGreaterThanOrEqual(2);
  } finally {
    await db.close();
    rest.mockRestore();
    rmSync(dataDir, { recursive: true });
  }
});

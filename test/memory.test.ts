// What serie says of its memory, as Go programs say it: what is used is a part of what the heap has, and that of what the process has.
import { expect, spyOn, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
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

test.skipIf(process.platform !== "linux")(
  "only segments that are there are mapped, whatever was read and merged",
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "serie-memory-"));
    const mapped = () => {
      const lines = readFileSync("/proc/self/maps", "utf8").split("\n");
      return lines.filter((line) => line.includes(dataDir)).map((line) => line.slice(line.indexOf(dataDir)));
    };
    const options = { dataDir, partitions: 1 };
    const target = { database: "d" };
    let db = await open(options);
    for (let round = 0; round < 5; round++) {
      await db.writeLines(`m,host=h${round} v=${round} ${round}`, target);
      await db.flush();
    }
    await db.close();
    expect(mapped()).toEqual([]);
    db = await open(options);
    try {
      // (a catalog was read, and a log)
      expect(mapped().filter((path) => !path.endsWith(".seg"))).toEqual([]);
      const before = mapped();
      expect(before.length).toBeGreaterThan(0);
      for (let round = 0; round < 9; round++) {
        await db.writeLines(`m,host=h${round} v=${round} ${round + 100}`, target);
        await db.flush();
      }
      for (
        const deadline = Date.now() + 10_000;
        before.some((path) => mapped().includes(path));
        await Bun.sleep(20)
      )
        expect(Date.now()).toBeLessThan(deadline);
      expect(mapped().filter((path) => !path.endsWith(".seg"))).toEqual([]);
      const [answer] = await db.query("SELECT count(v) FROM m", target);
      expect(Number(answer?.rows[0]?.[1])).toBe(14);
    } finally {
      await db.close();
      rmSync(dataDir, { recursive: true });
    }
  },
);

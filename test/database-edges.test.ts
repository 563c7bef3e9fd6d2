// The database at its edges: linear memory that is full, and a DROP DATABASE beside writes.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OverloadedError } from "../src/base/errors.ts";
import { Database } from "../src/db/database.ts";
import { Kernels } from "../src/kernels/kernels.ts";

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "serie-edges-"));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

async function count(db: Database, database: string): Promise<number> {
  for await (const { series } of db.run("SELECT count(v) FROM m", { database }))
    for await (const { rows } of series) return Number(rows[0]![1]);
  return 0;
}

test("when linear memory is nearly full a write is refused before it is logged, and accepted when there is room", async () => {
  const db = await Database.open({ dataDir });
  await db.writeLines("m v=1 1", { database: "d" });
  const used = Object.getOwnPropertyDescriptor(Kernels.prototype, "usedBytes")!;
  Object.defineProperty(Kernels.prototype, "usedBytes", { ...used, get: () => 3.5 * 2 ** 30 });
  try {
    await expect(db.writeLines("m v=2 2", { database: "d" })).rejects.toBeInstanceOf(OverloadedError);
  } finally {
    Object.defineProperty(Kernels.prototype, "usedBytes", used);
  }
  expect(db.health().status).toBe("pass");
  expect(db.metrics().find(({ name }) => name === "serie_log_records_total")!.value).toBe(1);
  await db.writeLines("m v=3 3", { database: "d" });
  expect(await count(db, "d")).toBe(2);
  await db.close();
});

test("an area larger than linear memory is refused, not cut to 32 bits", () => {
  const kernels = new Kernels();
  expect(() => kernels.alloc(2 ** 32 + 8)).toThrow(OverloadedError);
  expect(() => kernels.alloc(2 ** 30 + 1)).toThrow(OverloadedError);
});

test("rows that are written beside a DROP DATABASE are not in the next database of that name", async () => {
  for (let round = 0; round < 5; round++) {
    const db = await Database.open({ dataDir, autoCreateDatabase: false });
    await db.createDatabase("d");
    const target = { database: "d" };
    await db.writeLines("m v=1 1", target);
    let dropped = false;
    const dropping = db.dropDatabase("d").then(() => {
      dropped = true;
    });
    const writes: Promise<unknown>[] = [];
    for (let time = 2; !dropped; time++) {
      writes.push(db.writeLines(`m v=1 ${time}`, target).catch(() => undefined));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await dropping;
    await Promise.all(writes);
    // rows that no database has would come back with the next one of its name
    expect(db.databases()).toEqual([]);
    await db.createDatabase("d");
    expect(await count(db, "d")).toBe(0);
    await db.dropDatabase("d");
    await db.close();
  }
}, 20_000);

// Series that have a tag key of their own each: there are as many values of tags as series times keys. Grouped by all of them they count
// against what a query may hold before they are there; as columns of an answer they leave in parts of a few rows.
import { expect, spyOn, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pause } from "../src/base/pause.ts";
import { Database } from "../src/db/database.ts";
import type { Budget } from "../src/model/scan.ts";
import { SeriesSelector } from "../src/store/select.ts";

const SERIES = 1000;
const groupBy = Array.from({ length: SERIES }, (_, n) => `tag${n}`);

async function withSeries(check: (db: Database) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-tag-keys-"));
  const db = await Database.open({ dataDir, queryMemory: 4_000_000 });
  try {
    await db.writeLines(groupBy.map((key, n) => `m,${key}=x v=${n} 1`).join("\n"), { database: "d" });
    await check(db);
  } finally {
    await db.close();
    rmSync(dataDir, { recursive: true });
  }
}

const selection = {
  ...{ database: "d", retentionPolicy: "autogen", measurement: "m", where: null },
  ...{ minTime: 0n, maxTime: 9n },
};

test("the values of tags are held while a store is read, and given back", () =>
  withSeries(async (db) => {
    let heldBytes = 0;
    let mostBytes = 0;
    const budget: Budget = {
      check: () => undefined,
      hold: (sizeBytes) => {
        heldBytes += sizeBytes;
        mostBytes = Math.max(mostBytes, heldBytes);
      },
    };
    const fold = { ...selection, groupBy, columns: [{ field: "v", keep: 1 }], budget };
    for await (const _ of db.engine.ownSource.fold({ ...fold, bounds: BigInt64Array.of(0n, 10n) }));
    // (all stores are open at once, as there is little to read of each)
    expect(mostBytes).toBeGreaterThanOrEqual(8 * SERIES * SERIES);
    expect(heldBytes).toBe(0);
  }));

test("tags that no series of a store has share a column", () =>
  withSeries(async (db) => {
    const read = spyOn(SeriesSelector.prototype, "valuesOf");
    const budget: Budget = { check: () => undefined, hold: () => undefined };
    try {
      const fold = { ...selection, groupBy, columns: [{ field: "v", keep: 1 }], budget };
      const groups = [];
      for await (const { count, tags } of db.engine.ownSource.fold({
        ...fold,
        bounds: BigInt64Array.of(0n, 10n),
      }))
        for (let g = 0; g < count; g++) groups.push(tags.findIndex((values) => values[g] === "x"));
      expect(groups.sort((a, b) => a - b)).toEqual(groupBy.map((_, n) => n));
      const columns = read.mock.results.map(({ value }) => value);
      expect(columns.length).toBeGreaterThan(2 * SERIES);
      expect(new Set(columns).size).toBeLessThan(1.1 * SERIES);
    } finally {
      read.mockRestore();
    }
  }));

test.each(["count(v)", "v", "median(v)"])("SELECT %s ... GROUP BY * ends when that is too much", (shown) =>
  withSeries(async (db) => {
    const read = async () => {
      for await (const { series } of db.run(`SELECT ${shown} FROM m GROUP BY *`, { database: "d" }))
        for await (const _ of series);
    };
    expect(read()).rejects.toThrow("query-memory limit exceeded");
    await read().catch(() => undefined);
  }),
);

test.each(["*", "*, v + 1", "*, v AS x FROM m HAVING x >= 0"])("SELECT %s has few rows in a part", (shown) =>
  withSeries(async (db) => {
    const counts: number[] = [];
    const text = `SELECT ${shown.includes("FROM") ? shown : `${shown} FROM m`}`;
    for await (const { series } of db.run(text, { database: "d" }))
      for await (const { rows, columns } of series) {
        expect(columns.length).toBeGreaterThan(SERIES);
        counts.push(rows.length);
      }
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(SERIES);
    expect(Math.max(...counts) * SERIES).toBeLessThanOrEqual(250_000);
  }),
);

test("the first to ask for tag keys, who has the tag index of all stores made, gives way between them", () =>
  withSeries(async (db) => {
    const due = spyOn(Pause.prototype, "due").mockReturnValue(true);
    const wait = spyOn(Pause.prototype, "wait");
    try {
      expect(await db.engine.ownSource.tagKeys("d", "m", null)).toHaveLength(SERIES);
      expect(wait.mock.calls.length).toBeGreaterThanOrEqual(16);
    } finally {
      due.mockRestore();
      wait.mockRestore();
    }
  }));

// Series that have a tag key of their own each: grouped by all of them there are as many values as series times keys, which count
// against what a query may hold before they are there.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "../src/db/database.ts";
import type { Budget } from "../src/model/scan.ts";

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

// The store answers as the oracle does: generated writes with duplicates, late rows and all types, cut by flushes and
// restarts, then generated queries and SHOW statements over both.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import type { Clock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import type { Session } from "../src/query/session.ts";
import { pointArbitrary, queryArbitrary } from "./oracle/arbitraries.ts";
import { answerOf, expectSameAnswer } from "./oracle/compare.ts";
import { lineOf } from "./oracle/lines.ts";
import { Oracle } from "./oracle/oracle.ts";

const shows = [
  "SHOW MEASUREMENTS",
  "SHOW TAG KEYS",
  "SHOW FIELD KEYS",
  "SHOW SERIES",
  "SHOW SERIES WHERE host = 'a'",
  "SHOW TAG VALUES WITH KEY IN (host, rack)",
  "SHOW TAG VALUES WITH KEY = host WHERE rack = ''",
  "SHOW SERIES WHERE time >= 20s AND time < 100s LIMIT 3 OFFSET 1",
  "SHOW TAG KEYS WHERE time < 50s AND host =~ /a|b/",
  "SHOW TAG VALUES WITH KEY =~ /./ WHERE time > 100s",
  "SHOW MEASUREMENTS WHERE host != 'a'",
  "SHOW SERIES CARDINALITY",
  "SHOW SERIES EXACT CARDINALITY",
  "SHOW SERIES EXACT CARDINALITY WHERE rack = '1' GROUP BY host",
  "SHOW MEASUREMENT EXACT CARDINALITY GROUP BY *",
  "SHOW TAG KEY EXACT CARDINALITY WHERE host != 'b'",
  "SHOW TAG VALUES EXACT CARDINALITY WITH KEY IN (host, rack) GROUP BY rack",
  "SHOW FIELD KEY EXACT CARDINALITY WHERE host = 'a'",
];

const clock: Clock = { nowNs: () => 400_000_000_000n, elapsedMs: () => 0, every: () => () => {} };
const batches = fc.array(
  fc.record({
    points: fc.array(pointArbitrary, { minLength: 1, maxLength: 25, size: "max" }),
    after: fc.constantFrom("nothing", "nothing", "flush", "restart"),
  }),
  { minLength: 1, maxLength: 5 },
);

test("store = oracle", async () => {
  await fc.assert(
    fc.asyncProperty(
      batches,
      fc.array(queryArbitrary, { minLength: 30, maxLength: 30 }),
      async (writes, queries) => {
        const dataDir = mkdtempSync(join(tmpdir(), "serie-oracle-"));
        const oracle = new Oracle();
        await oracle.createDatabase("db0");
        let db = await Database.open({ dataDir, partitions: 4 });
        try {
          await db.createDatabase("db0");
          for (const { points, after } of writes) {
            const outcome = await db.writeLines(points.map(lineOf).join("\n"), { database: "db0" });
            expect(outcome.errors).toEqual([]);
            for (const point of points) oracle.write("db0", point);
            if (after === "flush") await db.flush();
            if (after === "restart") {
              await db.close();
              db = await Database.open({ dataDir });
            }
          }
          const ours: Session = { source: db.source, administration: db, clock, database: "db0" };
          const plain: Session = { source: oracle, administration: oracle, clock, database: "db0" };
          for (const text of [...queries, ...shows])
            expectSameAnswer(await answerOf(text, ours), await answerOf(text, plain));
        } finally {
          await db.close();
          rmSync(dataDir, { recursive: true });
        }
      },
    ),
    { numRuns: 25 },
  );
}, 60_000);

// Series that share row groups: folded where they stand when nothing else has rows of them, else merged; the answer is one.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { open } from "../src/index.ts";

const host = fc.integer({ min: 0, max: 7 });
const time = fc.integer({ min: 0, max: 12 });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      write: fc.array(fc.tuple(host, time, fc.integer({ min: -50, max: 50 })), {
        minLength: 1,
        maxLength: 20,
      }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ flush: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ delete: fc.tuple(fc.option(host), time, time) }) },
);
const range = fc.tuple(time, time);

test("what is folded is what is stored: overlapping flushes, rows in memory, deletions, any range", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.array(range, { minLength: 1, maxLength: 3 }),
      async (steps, ranges) => {
        const dataDir = mkdtempSync(join(tmpdir(), "serie-short-"));
        const db = await open({ dataDir, partitions: 1 });
        const options = { database: "d" };
        /** By host and time. */
        const stored = new Map<string, { time: number; value: number }>();
        try {
          await db.writeLines("m,host=other v=1i 100", options);
          for (const each of steps) {
            if ("write" in each) {
              for (const [h, t, value] of each.write) stored.set(`${h} ${t}`, { time: t, value });
              const lines = each.write.map(([h, t, value]) => `m,host=h${h} v=${value}i ${t}`);
              await db.writeLines(lines.join("\n"), options);
            } else if ("delete" in each) {
              const [of, from, to] = each.delete;
              const whose = of === null ? "" : ` AND host = 'h${of}'`;
              await db.query(`DELETE FROM m WHERE time >= ${from} AND time <= ${to}${whose}`, options);
              for (const [key, { time: at }] of [...stored])
                if (at >= from && at <= to && (of === null || key.startsWith(`${of} `))) stored.delete(key);
            } else await db.flush();
          }
          for (const [from, to] of [...ranges, [0, 13] as const]) {
            const kept = [...stored.values()].filter((row) => row.time >= from && row.time < to);
            const values = kept.map(({ value }) => value);
            const sum = values.reduce((total, value) => total + value, 0);
            const text = `SELECT count(v), sum(v), min(v), max(v) FROM m WHERE time >= ${from} AND time < ${to}`;
            const [answer] = await db.query(text, options);
            const wanted =
              kept.length === 0 ? undefined : [kept.length, sum, Math.min(...values), Math.max(...values)];
            expect(answer?.rows[0]?.slice(1).map(Number)).toEqual(wanted as number[]);
            // windows that begin before the range, and end after it
            const [windows] = await db.query(`${text} GROUP BY time(5ns) fill(none)`, options);
            const counts = windows?.rows.map((row) => Number(row[1])) ?? [];
            expect(counts.reduce((all, count) => all + count, 0)).toBe(kept.length);
          }
        } finally {
          await db.close();
          rmSync(dataDir, { recursive: true });
        }
      },
    ),
    { numRuns: 80 },
  );
}, 60_000);

// Joins against the definition: every pair of rows that meet, and what stays of those that meet none.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Cell } from "../src/query/result.ts";
import { runQuery, type Session } from "../src/query/session.ts";
import { writeLines } from "./oracle/lines.ts";
import { Oracle } from "./oracle/oracle.ts";

interface Point {
  readonly host: string;
  readonly kind: string;
  readonly time: number;
  readonly v: number;
}

async function ask(oracle: Oracle, text: string, maxHeldBytes = 0): Promise<Cell[][]> {
  const session: Session = {
    source: oracle,
    administration: oracle,
    clock: { nowNs: () => 1000n, elapsedMs: () => 0, every: () => () => {} },
    database: "db0",
    allowance: { timeoutMs: 0, maxHeldBytes },
  };
  const rows: Cell[][] = [];
  for await (const { series } of runQuery(text, session))
    for await (const part of series) rows.push(...part.rows.map((row) => [...row]));
  return rows;
}

function written(measurement: string, points: readonly Point[]): string[] {
  return points.map(({ host, kind, time, v }) => `${measurement},host=${host},kind=${kind} v=${v} ${time}`);
}

const points = fc.uniqueArray(
  fc.record({
    host: fc.constantFrom("a", "b", "c"),
    kind: fc.constantFrom("x", "y"),
    time: fc.integer({ min: 0, max: 5 }),
    v: fc.integer({ min: 0, max: 9 }),
  }),
  { maxLength: 14, selector: ({ host, kind, time }) => `${host} ${kind} ${time}` },
);

/** [time, host, a's value, b's value] of each row of `a TYPE JOIN b`. */
function joined(type: string, a: readonly Point[], b: readonly Point[]): unknown[][] {
  const meets = (p: Point, q: Point) => p.time === q.time && p.host === q.host;
  const rows: unknown[][] = [];
  for (const p of a) for (const q of b) if (meets(p, q)) rows.push([p.time, p.host, p.v, q.v]);
  if (type === "LEFT" || type === "FULL")
    for (const p of a) if (!b.some((q) => meets(p, q))) rows.push([p.time, p.host, p.v, null]);
  if (type === "RIGHT" || type === "FULL")
    for (const q of b) if (!a.some((p) => meets(p, q))) rows.push([q.time, q.host, null, q.v]);
  return rows;
}

const sorted = (rows: readonly unknown[][]): string[] => rows.map((row) => row.join(" ")).sort();

test("a join is every pair that meets and what its type keeps of the others, in the order of time", async () => {
  await fc.assert(
    fc.asyncProperty(points, points, fc.boolean(), async (a, b, descending) => {
      const oracle = new Oracle();
      oracle.createDatabase("db0");
      // both measurements exist, whatever was drawn
      const lines = [
        ...written("m", a),
        ...written("n", b),
        "m,host=z,kind=x w=1 0",
        "n,host=z,kind=x w=1 0",
      ];
      writeLines(oracle, "db0", lines.join("\n"));
      for (const type of ["INNER", "LEFT", "RIGHT", "FULL"]) {
        const order = descending ? " ORDER BY time DESC" : "";
        const from = `FROM m AS a ${type} JOIN n AS b USING (time, host)`;
        const rows = await ask(oracle, `SELECT host, a.v, b.v ${from}${order}`);
        expect(sorted(rows)).toEqual(sorted(joined(type, a, b)));
        const times = rows.map(([time]) => Number(time));
        expect(times).toEqual(times.toSorted((x, y) => (descending ? y - x : x - y)));
        // the same grouped, and of one side's condition
        const grouped = await ask(oracle, `SELECT host, a.v, b.v ${from} GROUP BY host${order}`);
        expect(sorted(grouped)).toEqual(sorted(rows));
        const filtered = await ask(oracle, `SELECT host, a.v, b.v ${from} WHERE a.v > 4`);
        expect(sorted(filtered)).toEqual(sorted(joined(type, a, b).filter(([, , v]) => Number(v) > 4)));
      }
    }),
    { numRuns: 150 },
  );
});

const many = new Oracle();
many.createDatabase("db0");
const lines: string[] = [];
for (let i = 0; i < 12_000; i++) lines.push(`m v=${i} ${i}`, `n v=${2 * i} ${i + 6_000}`);
for (let i = 0; i < 1_100; i++) lines.push(`wide,t=${i} v=1 0`);
writeLines(many, "db0", lines.join("\n"));

test("more rows than a part holds", async () => {
  const rows = await ask(many, "SELECT n.v, m.v FROM m FULL JOIN n USING (time)");
  expect(rows.length).toBe(18_000);
  expect(rows[0]).toEqual([0n, null, 0]);
  expect(rows[6_000]).toEqual([6_000n, 0, 6_000]);
  expect(rows[17_999]).toEqual([17_999n, 23_998, null]);
  expect(await ask(many, "SELECT count(n.v), count(m.v) FROM m JOIN n USING (time)")).toEqual([
    [0n, 6_000, 6_000],
  ]);
});

test("a join is bounded in memory and in the rows of one time", async () => {
  expect(ask(many, "SELECT n.v FROM m FULL JOIN n USING (time)", 300_000)).rejects.toThrow(
    "query holds more than 300000 bytes",
  );
  expect(ask(many, "SELECT a.v, b.v FROM wide AS a JOIN wide AS b USING (time)")).rejects.toThrow(
    "the join makes 1210000 rows at one time, more than 1000000: name more tags in USING, or aggregate the sides",
  );
});

// The promise of a 204: kill -9 under load, many rounds on one data directory, and nothing acknowledged is missed.
import { describe, expect, test } from "bun:test";
import { Random } from "../scripts/bench/random.ts";
import { Expected, type SeenRow } from "./crash/expected.ts";
import { CrashHarness } from "./crash/harness.ts";
import { seed } from "./support/seed.ts";

test("kill -9 under load, during start-up, with torn logs: every acknowledged point is there once", async () => {
  console.log(`crash: seed ${seed}`);
  const report = await new CrashHarness(seed).run(24, 22_000);
  console.log(`crash: ${JSON.stringify(report)}`);
  expect(report.rounds).toBeGreaterThan(2);
  expect(report.acknowledgedBatches).toBeGreaterThan(20);
}, 60_000);

describe("what the harness would notice", () => {
  function acknowledged(): { expected: Expected; rows: SeenRow[] } {
    const expected = new Expected("m", new Random(1));
    const rows = new Map<string, SeenRow>();
    for (let i = 0; i < 5; i++) {
      const batch = expected.nextBatch();
      batch.acknowledge();
      apply(rows, batch.body);
    }
    return { expected, rows: [...rows.values()] };
  }

  test("nothing, when all is as acknowledged", () => {
    const { expected, rows } = acknowledged();
    expect(expected.check(rows)).toEqual([]);
  });

  test("a lost, a doubled, an invented and a changed row", () => {
    const { expected, rows } = acknowledged();
    expect(expected.check(rows.slice(1))).toHaveLength(1);
    expect(expected.check([...rows, rows[0]!])).toHaveLength(1);
    expect(expected.check([...rows, { ...rows[0]!, timeMs: 5 }])).toHaveLength(1);
    expect(acknowledged().expected.check([{ ...rows[0]!, v: 5 }, ...rows.slice(1)])).toHaveLength(1);
  });

  test("an unacknowledged row that comes back after it was gone, or goes after it was there", () => {
    for (const survives of [false, true]) {
      const { expected, rows } = acknowledged();
      const after = new Map(rows.map((row) => [`${row.series}@${row.timeMs}`, row]));
      apply(after, expected.nextBatch().body);
      const [first, second] = survives ? [[...after.values()], rows] : [rows, [...after.values()]];
      expect(expected.check(first)).toEqual([]);
      expect(expected.check(second)).not.toEqual([]);
    }
  });
});

/** Does to `rows` what a server does with these lines (as simple as `Expected` makes them). */
function apply(rows: Map<string, SeenRow>, body: string): void {
  for (const line of body.split("\n")) {
    const [, series, fields, time] = /^m,host=(\S+) (.*) (\d+)$/.exec(line)!;
    const key = `${series}@${time}`;
    const v = Number(/v=(-?\d+)i/.exec(fields!)?.[1]);
    const f = /,f=([^,]+)/.exec(fields!)?.[1];
    const s = /,s="(.*)"$/.exec(fields!)?.[1]?.replaceAll('\\"', '"');
    const before = rows.get(key) ?? { v: null, f: null, s: null };
    rows.set(key, {
      timeMs: Number(time),
      series: series!,
      v,
      f: f === undefined ? before.f : Number(f),
      s: s === undefined ? before.s : s,
    });
  }
}

// Groups of series that stand among those of others are folded at once: a row group that they share is decoded for all of them.
import { expect, spyOn, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { open } from "../src/index.ts";
import { TableReader } from "../src/segment/table-reader.ts";
import { atOnce, groupsOf } from "../src/store/series-groups.ts";

test("each group and each of its series is met once, series in their order, as many groups at once as may be", () => {
  const values = fc.array(
    fc.array(fc.constantFrom("", "a", "b", "c", "d\0", "e"), { minLength: 2, maxLength: 2 }),
  );
  fc.assert(
    fc.property(
      values,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 8 }),
      (tags, most, less) => {
        const first = Math.max(1, most - less);
        const columns = [0, 1].map((key) => tags.map((ofSeries) => ofSeries[key]!));
        const groups = groupsOf(columns, tags.length);
        const expected = [...Map.groupBy(tags.keys(), (i) => JSON.stringify(tags[i])).values()];
        expect([...groups.firsts]).toEqual(expected.map((series) => series[0]!));
        const found = [...atOnce(groups, first, most)];
        let next = 0;
        for (const [i, { from, to, series }] of found.entries()) {
          expect(from).toBe(next);
          expect(to - from).toBe(Math.min(i === 0 ? first : most, expected.length - from));
          expect([...series]).toEqual(
            expected
              .slice(from, to)
              .flat()
              .sort((a, b) => a - b),
          );
          for (const one of series) expect(expected[groups.ofSeries[one]!]).toContain(one);
          next = to;
        }
        expect(next).toBe(expected.length);
      },
    ),
  );
});

const SERIES = 20_000;
const HOSTS = 500;
const pods = Array.from({ length: SERIES }, (_, i) => ({
  host: i % HOSTS,
  value: ((i * 7919) % 10_007) / 7,
}));

test("series of a row each that alternate among the groups cost no decoding each, and are summed in their order", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "serie-groups-"));
  const db = await open({ dataDir, partitions: 1 });
  const decoded = spyOn(TableReader.prototype, "readColumn");
  try {
    const lines = pods.map(({ host, value }, i) => `pods,host=h${host},pod=p${i} v=${value} ${i}`);
    await db.writeLines(lines.join("\n"), { database: "d" });
    await db.flush();
    const sums = new Float64Array(HOSTS);
    for (const { host, value } of pods) sums[host]! += value;
    const answer = await db.query("SELECT sum(v) FROM pods GROUP BY host", { database: "d" });
    expect(answer.length).toBe(HOSTS);
    for (const { tags, rows } of answer) expect(rows[0]![1]).toBe(sums[Number(tags!.host!.slice(1))]!);
    expect(decoded.mock.calls.length).toBeLessThan(SERIES / 100);
  } finally {
    decoded.mockRestore();
    await db.close();
    rmSync(dataDir, { recursive: true });
  }
});

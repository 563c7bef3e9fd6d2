// Series of a scan are put into groups, and these in their order, with pauses: of many series in a batch, and of many in a group.
import { expect, spyOn, test } from "bun:test";
import { Pause } from "../src/base/pause.ts";
import type { RowBatch, Rows, ScanRequest } from "../src/model/scan.ts";
import { FieldType } from "../src/model/types.ts";
import { gatherGroups } from "../src/query/gather.ts";

const SERIES = 20_000;
const GROUPS = 10;

test("it gives way after some hundred series of a batch, and after some thousand of groups that are put in order", async () => {
  const due = spyOn(Pause.prototype, "due").mockReturnValue(true);
  const wait = spyOn(Pause.prototype, "wait").mockResolvedValue();
  let waitsBefore = 0;
  const all = Array.from({ length: SERIES }, (_, i) => i);
  const source = {
    async *scan(): AsyncGenerator<RowBatch> {
      yield {
        series: all.map((i) => ({ key: `m,host=${i}`, tags: new Map([["rack", `r${(i * 7) % GROUPS}`]]) })),
        ends: all.map((i) => i + 1),
        times: new BigInt64Array(SERIES),
        columns: [{ type: FieldType.Float, present: null, values: Float64Array.from(all) }],
      };
      waitsBefore = wait.mock.calls.length;
    },
  } as unknown as Rows;
  const request = { budget: { check: () => undefined, hold: () => undefined } } as unknown as ScanRequest;
  try {
    const groups = await gatherGroups(source, request, ["rack"]);
    expect(groups.map(({ tags }) => tags[0])).toEqual([
      "r0",
      "r1",
      "r2",
      "r3",
      "r4",
      "r5",
      "r6",
      "r7",
      "r8",
      "r9",
    ]);
    for (const { series } of groups) {
      const keys = series.map(([block]) => block!.series.key);
      expect(keys).toEqual(keys.toSorted());
      expect(keys.length).toBe(SERIES / GROUPS);
    }
    expect(waitsBefore).toBeGreaterThan(SERIES / 1000);
    expect(wait.mock.calls.length - waitsBefore).toBeGreaterThanOrEqual(Math.floor(SERIES / 5000));
  } finally {
    due.mockRestore();
    wait.mockRestore();
  }
});

// One source of many: what a fold answers does not depend on who is asked and who answers first. And when some of them cannot be asked, as while a thread is being
// started again: what is asked ends with their error, and what the others had begun for it ends too.
import { expect, test } from "bun:test";
import { systemClock } from "../src/base/clock.ts";
import { OverloadedError } from "../src/base/errors.ts";
import type { Expression } from "../src/model/expression.ts";
import { Fold, type FoldRequest, type RowBatch, type ScanRequest } from "../src/model/scan.ts";
import { FieldType } from "../src/model/types.ts";
import { QueryBudget } from "../src/query/budget.ts";
import { foldGroups } from "../src/query/folds.ts";
import { RemoteSource } from "../src/threads/remote-source.ts";
import { ScatteredSource, type SharingSource } from "../src/threads/scattered-source.ts";
import { Oracle } from "./oracle/oracle.ts";

const gone = new RemoteSource(() => {
  throw new OverloadedError("thread 2 has stopped: send again");
});

const request: ScanRequest = {
  ...{ database: "d", retentionPolicy: "autogen", measurement: "m", where: null, fields: ["v"] },
  ...{ minTime: 0n, maxTime: 9n, limit: 1, descending: false },
  budget: { check: () => undefined, hold: () => undefined },
};

test("rows that another source had begun to give are given up", async () => {
  let held = 0;
  async function* endless(): AsyncGenerator<RowBatch> {
    held++;
    try {
      for (;;) yield { series: [], ends: [], times: new BigInt64Array(0), columns: [] };
    } finally {
      held--;
    }
  }
  const there = { scan: endless, fold: endless } as unknown as SharingSource;
  const source = new ScatteredSource(new Oracle(), [there, gone], 0, () => "");
  expect(source.scan(request).next()).rejects.toThrow("send again");
  await Bun.sleep(1);
  expect(held).toBe(0);
});

test("nobody waits in vain for an answer that is an error, and none goes unnoticed", async () => {
  const unnoticed: unknown[] = [];
  const notice = (error: unknown) => unnoticed.push(error);
  process.on("unhandledRejection", notice);
  const dies = {
    fields: async () => {
      await Bun.sleep(1);
      throw new OverloadedError("thread 1 has stopped: send again");
    },
  } as unknown as SharingSource;
  const source = new ScatteredSource(new Oracle(), [dies, gone], 0, () => "");
  expect(await source.fields("d", "m").catch((error) => error.message)).toContain("send again");
  await Bun.sleep(10);
  process.off("unhandledRejection", notice);
  expect(unnoticed).toEqual([]);
});

test("those without a series of the tags are not asked again, but of conditions that would take much memory", async () => {
  let asked = 0;
  const empty = {
    // biome-ignore lint/correctness/useYield: it has no rows
    scan: async function* () {
      asked++;
    },
  } as unknown as SharingSource;
  const source = new ScatteredSource(new Oracle(), [empty], 0, () => "");
  const ask = async (characters: number) => {
    const where: Expression = {
      kind: "comparison",
      operator: "=",
      left: { kind: "tag", name: "host" },
      right: { kind: "string", value: "h".repeat(characters) },
    } as unknown as Expression;
    for await (const _ of source.scan({ ...request, where })) throw new Error("there are no rows");
  };
  for (const [characters, wanted] of [
    [10, 1],
    [10, 1],
    [100_000, 2],
    [100_000, 3],
  ] as const) {
    await ask(characters);
    expect([characters, asked]).toEqual([characters, wanted]);
  }
});

test("a fold has the same bits whichever of the sources is asked, and in whatever order they answer", async () => {
  // sums, means and deviations of such values depend on the order in which they are added
  const values = [0.1, 1e16, -1e16, 1 / 3, 3e-9, 7e7, -0.7, 12345.678, 1e16 + 2];
  const parts = [0, 1, 2].map((part) => {
    const oracle = new Oracle();
    oracle.createDatabase("d");
    for (let i = 0; i < 60; i++)
      oracle.write("d", {
        measurement: "m",
        tags: { host: `h${part}_${i % 6}`, dc: `${i % 2}` },
        fields: {
          v: { type: FieldType.Float, value: values[(i * 7 + part * 5) % values.length]! * (1 + i / 10) },
        },
        timeNs: BigInt(i),
      });
    return oracle;
  });
  const { limit, descending, fields, ...selection } = request;
  const bounds = BigInt64Array.of(0n, 20n, 40n, 60n);
  const keep = Fold.Count | Fold.Sum | Fold.Deviations;
  const answers = new Set<string>();
  for (const place of [0, 1, 2])
    for (const delays of [
      [0, 0, 0],
      [0, 4, 8],
      [8, 4, 0],
      [4, 0, 8],
    ]) {
      const late = parts.map((oracle, i): SharingSource => {
        async function* fold(asked: FoldRequest) {
          for await (const group of oracle.fold(asked)) {
            await Bun.sleep(delays[i]! / 4);
            yield group;
          }
        }
        return { fold } as unknown as SharingSource;
      });
      const own = late[place]!;
      const source = new ScatteredSource(
        own,
        late.filter((each) => each !== own),
        place,
        () => "",
      );
      const budget = new QueryBudget({ timeoutMs: 0, maxHeldBytes: 1 << 20 }, systemClock);
      const groupBy = ["dc"];
      const columns = [{ field: "v", keep }];
      const groups = await foldGroups(source, {
        ...selection,
        maxTime: 59n,
        groupBy,
        columns,
        bounds,
        budget,
      });
      const read = Array.from({ length: groups.count }, (_, group) => {
        const { column, at, windows } = groups.field(group, 0)!;
        const { sum, mean, deviations, count } = column;
        const arrays = [sum, mean, deviations, count] as Float64Array[];
        return [groups.tags(group), ...arrays.map((each) => Array.from(each.subarray(at, at + windows)))];
      });
      expect(read.flat(3)).toHaveLength(2 * (1 + 4 * 3));
      answers.add(JSON.stringify(read.sort()));
    }
  expect([...answers]).toHaveLength(1);
});

test("what a source holds of a fold until those before it are done is bounded by the query's memory", async () => {
  const group = (windows: number) => ({
    ...{ count: 1, tags: [] },
    columns: [{ type: FieldType.Float, count: new Float64Array(windows), sum: new Float64Array(windows) }],
  });
  async function* many() {
    for (let i = 0; i < 100; i++) yield group(1000);
  }
  async function* slow() {
    await Bun.sleep(10);
    yield group(1000);
  }
  const fold = async (maxHeldBytes: number) => {
    const budget = new QueryBudget({ timeoutMs: 0, maxHeldBytes }, systemClock);
    const own = { fold: many } as unknown as SharingSource;
    const source = new ScatteredSource(own, [{ fold: slow } as unknown as SharingSource], 1, () => "");
    const { limit, descending, fields, ...selection } = request;
    let groups = 0;
    const asked = { ...selection, groupBy: [], columns: [], bounds: BigInt64Array.of(0n, 1n), budget };
    for await (const _ of source.fold(asked)) groups++;
    return [groups, budget.heldBytes];
  };
  expect(await fold(2_000_000)).toEqual([101, 0]);
  expect(fold(1_000_000)).rejects.toThrow("query-memory limit exceeded: query holds more than 1000000 bytes");
});

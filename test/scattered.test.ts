// One source of many when some of them cannot be asked, as while a thread is being started again: what is asked ends with their
// error, and what the others had begun for it ends too.
import { expect, test } from "bun:test";
import { OverloadedError } from "../src/base/errors.ts";
import type { Expression } from "../src/model/expression.ts";
import type { ScanRequest, SeriesBlock, Source } from "../src/model/scan.ts";
import { RemoteSource } from "../src/threads/remote-source.ts";
import { ScatteredSource } from "../src/threads/scattered-source.ts";
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
  async function* endless(): AsyncGenerator<SeriesBlock> {
    held++;
    try {
      const series = { key: "m", tags: new Map() };
      for (;;) yield { series, rowCount: 0, times: new BigInt64Array(0), columns: [] };
    } finally {
      held--;
    }
  }
  const there = { scan: endless, fold: endless } as unknown as Source;
  const source = new ScatteredSource(new Oracle(), [there, gone], () => "");
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
  } as unknown as Source;
  const source = new ScatteredSource(new Oracle(), [dies, gone], () => "");
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
  } as unknown as Source;
  const source = new ScatteredSource(new Oracle(), [empty], () => "");
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

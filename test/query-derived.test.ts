// What running a statement inside another costs and keeps: memory, deadlines, how often it runs.
import { expect, test } from "bun:test";
import type { RowBatch, ScanRequest, Source } from "../src/model/scan.ts";
import type { Allowance } from "../src/query/budget.ts";
import type { Cell } from "../src/query/result.ts";
import { runQuery, type Session } from "../src/query/session.ts";
import { writeLines } from "./oracle/lines.ts";
import { Oracle } from "./oracle/oracle.ts";

const oracle = new Oracle();
oracle.createDatabase("db0");
const lines: string[] = [];
for (let i = 0; i < 300; i++)
  for (const host of ["a", "b"]) lines.push(`cpu,host=${host} v=${i},n=${i}i ${1_700_000_000 + i}000000000`);
writeLines(oracle, "db0", lines.join("\n"));

let scans = 0;
const counting: Source = new Proxy(oracle as Source, {
  get(target, name) {
    const value = Reflect.get(target, name);
    if (name === "scan" || name === "fold") scans++;
    return typeof value === "function" ? value.bind(target) : value;
  },
});

async function ask(text: string, allowance?: Partial<Allowance>, elapsedMs = () => 0): Promise<Cell[][]> {
  scans = 0;
  const session: Session = {
    source: counting,
    administration: oracle,
    clock: { nowNs: () => 1_700_000_300_000_000_000n, elapsedMs, every: () => () => {} },
    database: "db0",
    ...(allowance && { allowance: { timeoutMs: 0, maxHeldBytes: 0, ...allowance } }),
  };
  const rows: Cell[][] = [];
  for await (const { series } of runQuery(text, session))
    for await (const part of series) rows.push(...part.rows.map((row) => row.slice(1)));
  return rows;
}

test("database and retention policy stand inside as they do outside", async () => {
  for (const name of ['"db0"."autogen"."cpu"', "db0..cpu", "autogen.cpu", "/^cpu$/"])
    expect(await ask(`SELECT max(x) FROM (SELECT v AS x FROM ${name})`)).toEqual([[299]]);
});

test("a subquery whose first row is asked for first runs once", async () => {
  const windows = "SELECT max(x) FROM (SELECT v + n AS x FROM cpu) GROUP BY time(100s)";
  expect(await ask(windows)).toEqual([[198], [398], [598], [null]]);
  expect(scans).toBe(1);
});

/** The smallest bound of memory, to 1 KiB, under which a text is answered. */
async function leastMemory(text: string): Promise<number> {
  for (let maxHeldBytes = 1024; ; maxHeldBytes += 1024) {
    try {
      await ask(text, { maxHeldBytes });
      return maxHeldBytes;
    } catch (error) {
      expect(String(error)).toContain(`query holds more than ${maxHeldBytes} bytes`);
    }
  }
}

test("memory of inner statements is given back: depth does not add up", async () => {
  let text = "SELECT v FROM cpu";
  const stored = await leastMemory(text);
  const least: number[] = [];
  for (let depth = 1; depth <= 5; depth++) {
    text = `SELECT v FROM (${text})`;
    least.push(await leastMemory(text));
  }
  expect(least[0]!).toBeGreaterThan(stored / 2);
  expect(Math.max(...least)).toBeLessThan(3 * stored);
});

test("the deadline reaches in", async () => {
  let ms = 0;
  const clock = () => ++ms;
  expect(ask("SELECT sum(x) FROM (SELECT v AS x FROM cpu)", { timeoutMs: 1 }, clock)).rejects.toThrow(
    "query-timeout limit exceeded",
  );
});

test("columns keep their types, 64-bit integers and gaps on the way", async () => {
  writeLines(
    oracle,
    "db0",
    'wide,t=x i=9007199254740993i,f=0.5,s="one",b=true 1\nwide,t=x i=-9007199254740993i,s="two" 2\nwide,t=x f=-0.0,b=false 3\nwide,t=x i=-1i 4',
  );
  const rows = await ask("SELECT i, f, s, b, t FROM (SELECT i, f, s, b, t FROM wide)");
  expect(rows).toEqual(await ask("SELECT i, f, s, b, t FROM wide"));
  const descending = "SELECT i, f, s, b, t FROM (SELECT i, f, s, b, t FROM wide) ORDER BY time DESC";
  expect(await ask(descending)).toEqual(rows.toReversed());
  // a cast is no stored column any more
  expect(await ask("SELECT x, t FROM (SELECT i::float AS x, t FROM wide) LIMIT 1")).toEqual([[2 ** 53, "x"]]);
  expect(await ask("SELECT i, s FROM (SELECT i, s FROM wide) WHERE i < 0")).toEqual([
    [-9007199254740993n, "two"],
    [-1, null],
  ]);
  expect(await ask("SELECT sum(i) FROM (SELECT i FROM wide)")).toEqual([[-1]]);
});

test("a series of many parts is one series around it, in both directions", async () => {
  const rows = 25_000;
  const times = BigInt64Array.from({ length: rows }, (_, row) => BigInt(row));
  const values = Float64Array.from({ length: rows }, (_, row) => row);
  const long = {
    ...oracle,
    fields: async () => [{ name: "v", type: 1 }],
    tagKeys: async () => [],
    async *scan(_request: ScanRequest): AsyncGenerator<RowBatch> {
      yield {
        series: [{ key: "long", tags: new Map() }],
        ends: [rows],
        times,
        columns: [{ type: 1, present: null, values }],
      } as unknown as RowBatch;
    },
  } as unknown as Source;
  const session: Session = {
    source: long,
    administration: oracle,
    clock: { nowNs: () => 0n, elapsedMs: () => 0, every: () => () => {} },
    database: "db0",
  };
  for (const order of ["", " ORDER BY time DESC"]) {
    const seen: Cell[] = [];
    for await (const { series } of runQuery(`SELECT v FROM (SELECT v FROM long)${order}`, session))
      for await (const part of series) for (const row of part.rows) seen.push(row[1]!);
    expect(seen.length).toBe(rows);
    expect(seen.every((value, i) => value === (order === "" ? i : rows - 1 - i))).toBe(true);
  }
});

// The first and last rows of series, which statistics may tell without their pages, are those of the whole scan.
import { expect, test } from "bun:test";
import { Database } from "../src/db/database.ts";
import type { BinaryOperator, Expression } from "../src/model/expression.ts";
import { filterRows } from "../src/model/filter.ts";
import type { RowBatch, ScanRequest } from "../src/model/scan.ts";
import { FieldType, MAX_TIME, MIN_TIME } from "../src/model/types.ts";
import { MemoryDisk, randomNumbers } from "./disk/memory.ts";

const budget = { check() {}, hold() {} };
const fields = ["f", "i", "u", "s", "gap", "nowhere"];
const HOSTS = 9;

/** Long series with groups of their own and short ones that share a group, flushed in overlapping stretches, rewritten in part. */
async function filled(seed: number): Promise<Database> {
  const random = randomNumbers(seed);
  const below = (end: number) => Math.floor(random() * end);
  const db = await Database.open({ dataDir: "/data", partitions: 2 }, new MemoryDisk());
  await db.createDatabase("db");
  for (let flush = 0; flush < 4; flush++) {
    const lines: string[] = [];
    for (let host = 0; host < HOSTS; host++) {
      if (below(4) === 0) continue;
      const start = flush * 1000 + below(100) - 50 - (below(6) === 0 ? 500 : 0);
      const long = host === 0 ? 2500 : 600 + below(500); // (of the first several groups a flush)
      const rows = host < 6 ? long : 1 + below(30);
      for (let r = 0; r < rows; r++) {
        // of all kinds of series some have all fields in every row, so that statistics suffice
        const numbers = [`f=${below(1000) / 100}`, `i=${below(99)}i`];
        if (host % 3 > 0) numbers.push(`u=${below(99)}u`);
        if (host % 3 > 1) numbers.push(`s="x${below(5)}"`);
        if (host % 4 === 1 && below(3) === 0) numbers.push(`gap=${below(9)}`);
        lines.push(`m,host=h${host} ${numbers.join(",")} ${start + r}`);
      }
    }
    await db.writeLines(lines.join("\n"), { database: "db" });
    if (flush < 3) await db.flush();
  }
  return db;
}

/** By series: its rows as text, in the order asked for. */
async function rowsOf(db: Database, request: ScanRequest): Promise<Map<string, string[]>> {
  const all = new Map<string, string[]>();
  for await (const batch of db.source.scan(request)) {
    for (const [block, { key }] of batch.series.entries()) {
      const start = batch.ends[block - 1] ?? 0;
      const rows = Array.from({ length: batch.ends[block]! - start }, (_, row) => textOf(batch, start + row));
      if (request.descending) rows.reverse();
      all.set(key, [...(all.get(key) ?? []), ...rows]);
    }
  }
  return all;
}

function textOf({ times, columns }: RowBatch, row: number): string {
  const cells = columns.map((column) =>
    column === null || (column.present !== null && column.present[row] === 0)
      ? "-"
      : `${column.type}:${column.values[row]}`,
  );
  return [times[row], ...cells].join(" ");
}

const { Float, Integer } = FieldType;
const f = { kind: "field", name: "f", type: Float } as const;
const i = { kind: "field", name: "i", type: Integer } as const;
const gap = { kind: "field", name: "gap", type: Float } as const;
const number = (value: number) => ({ kind: "float", value }) as const;
const binary = (operator: BinaryOperator, left: Expression, right: Expression): Expression => ({
  ...{ kind: "binary", operator, left, right },
});
const conditions: readonly Expression[] = [
  binary(">", f, number(4.5)),
  binary("<=", number(3), i),
  binary("and", binary("!=", f, number(2)), binary(">", gap, number(2))),
  binary(
    "or",
    binary("and", binary("<", f, number(3)), binary(">", i, number(1))),
    binary("=", gap, number(4)),
  ),
  binary(">", binary("+", f, i), number(6)),
  binary("=", { kind: "field", name: "s", type: FieldType.String }, { kind: "string", value: "x3" }),
  binary(">", f, { kind: "string", value: "x" }),
  binary(">", { kind: "field", name: "nowhere", type: Float }, number(0)),
];

test("rows that satisfy a condition are those that it lets through of all rows", async () => {
  const db = await filled(4);
  try {
    const request: ScanRequest = {
      ...({
        database: "db",
        retentionPolicy: "autogen",
        measurement: "m",
        minTime: 700n,
        maxTime: 2500n,
      } as const),
      ...{ where: null, fields, limit: Number.MAX_SAFE_INTEGER, descending: false, budget },
    };
    for (const where of conditions) {
      const expected = new Map<string, string[]>();
      for await (const batch of db.source.scan(request)) {
        const column = (name: string) => batch.columns[fields.indexOf(name)] ?? null;
        const mask = filterRows(where, { rowCount: batch.times.length, column });
        for (const [block, { key }] of batch.series.entries())
          for (let row = batch.ends[block - 1] ?? 0; row < batch.ends[block]!; row++)
            if (mask[row] === 1) expected.set(key, [...(expected.get(key) ?? []), textOf(batch, row)]);
      }
      expect(await rowsOf(db, { ...request, where })).toEqual(expected);
      for (const descending of [false, true]) {
        const ordered = [...expected].map(
          ([key, rows]) => [key, descending ? rows.toReversed() : rows] as const,
        );
        const some = new Map(ordered.map(([key, rows]) => [key, rows.slice(0, 3)]));
        expect(await rowsOf(db, { ...request, where, descending, limit: 3 })).toEqual(some);
      }
    }
  } finally {
    await db.close();
  }
});

test("a series of more rows than a batch has comes in several, in order", async () => {
  const rows = 40_000;
  const db = await Database.open({ dataDir: "/data", partitions: 1 }, new MemoryDisk());
  try {
    const lines = Array.from({ length: rows }, (_, row) => `m f=${row % 7},s="${row % 100}" ${row}`);
    await db.writeLines(lines.join("\n"), { database: "db" });
    const request: ScanRequest = {
      ...({ database: "db", retentionPolicy: "autogen", measurement: "m", minTime: MIN_TIME } as const),
      ...{ maxTime: MAX_TIME, where: null, fields: ["f", "s"], descending: false, budget },
      limit: Number.MAX_SAFE_INTEGER,
    };
    const conditions: readonly (readonly [Expression | null, (row: number) => boolean])[] = [
      [null, () => true],
      [binary("<", f, number(5)), (row) => row % 7 < 5],
      [binary("=", f, number(3)), (row) => row % 7 === 3],
    ];
    for (const [where, holds] of conditions)
      for (const descending of [false, true]) {
        const expected = Array.from({ length: rows }, (_, row) => row).filter(holds);
        if (descending) expected.reverse();
        const found: string[] = [];
        for await (const { times, ends, columns } of db.source.scan({ ...request, where, descending }))
          for (const [block, end] of ends.entries()) {
            const start = ends[block - 1] ?? 0;
            const part = Array.from({ length: end - start }, (_, i) => start + i);
            if (descending) part.reverse();
            for (const row of part)
              found.push(`${times[row]} ${columns[0]!.values[row]} ${columns[1]!.values[row]}`);
          }
        const texts = expected.map((row) => `${row} ${row % 7} ${row % 100}`);
        // (the parts of a memtable's rows ascend, whichever way they are read)
        if (descending) found.sort((a, b) => Number(b.split(" ")[0]) - Number(a.split(" ")[0]));
        expect(found).toEqual(texts);
      }
  } finally {
    await db.close();
  }
});

const ranges = [
  [MIN_TIME, MAX_TIME],
  [MIN_TIME, 1800n],
  [700n, 2500n],
  [900n, 901n],
] as const;

// All rows up to the time of the `count`-th of all series together are there, and what is there begins as the series does.
async function expectFirst(db: Database, request: ScanRequest, whole: Map<string, string[]>): Promise<void> {
  const timeOf = (row: string) => BigInt(row.split(" ")[0]!);
  const before = (a: bigint, b: bigint) => (request.descending ? a > b : a < b);
  const times = [...whole.values()].flat().map(timeOf);
  times.sort((a, b) => (a === b ? 0 : before(a, b) ? -1 : 1));
  for (const count of [1, 7, 60]) {
    const first = await rowsOf(db, { ...request, limit: count, firstRows: count });
    const last = times[count - 1];
    for (const [key, rows] of whole) {
      const found = first.get(key) ?? [];
      expect(found).toEqual(rows.slice(0, found.length));
      const needed = rows.filter((row) => last === undefined || !before(last, timeOf(row))).length;
      expect(found.length).toBeGreaterThanOrEqual(Math.min(needed, count));
    }
  }
}

for (const seed of [1, 2, 3])
  test(`limits and edges, seed ${seed}`, async () => {
    const db = await filled(seed);
    try {
      for (const [minTime, maxTime] of ranges) {
        for (const wanted of [fields, ["f", "i"], ["i"], ["u"], ["gap"], ["s", "f"], ["nowhere"]]) {
          for (const descending of [false, true]) {
            const request: ScanRequest = {
              ...({ database: "db", retentionPolicy: "autogen", measurement: "m" } as const),
              ...{ minTime, maxTime, where: null, fields: wanted },
              ...{ limit: Number.MAX_SAFE_INTEGER, descending, budget },
            };
            const whole = await rowsOf(db, request);
            for (const limit of [1, 2, 40]) {
              const some = new Map([...whole].map(([key, rows]) => [key, rows.slice(0, limit)]));
              expect(await rowsOf(db, { ...request, limit })).toEqual(some);
            }
            const times = [...whole.values()].map(([row]) => BigInt(row!.split(" ")[0]!));
            times.sort((a, b) => (a < b ? -1 : 1));
            const edges = await rowsOf(db, { ...request, limit: 1, edge: true });
            const found = [...edges.values()].flat().map((row) => BigInt(row.split(" ")[0]!));
            found.sort((a, b) => (a < b ? -1 : 1));
            expect(found.at(descending ? -1 : 0)).toBe(times.at(descending ? -1 : 0));
            for (const [key, rows] of edges) expect(rows).toEqual(whole.get(key)!.slice(0, 1));
            await expectFirst(db, request, whole);
          }
        }
      }
    } finally {
      await db.close();
    }
  });

test("first and last rows of many series, of which segments one after the other have groups of their own", async () => {
  const db = await Database.open({ dataDir: "/data", partitions: 1 }, new MemoryDisk());
  const hosts = 320; // (more than are looked at together)
  const random = randomNumbers(9);
  const below = (end: number) => Math.floor(random() * end);
  try {
    await db.createDatabase("db");
    const write = async (start: number, rowsOf: (host: number) => number) => {
      const lines: string[] = [];
      for (let host = 0; host < hosts; host++)
        for (let row = 0; row < rowsOf(host); row++) {
          const time = start + row;
          // of host 100 the field stops before its rows do, host 200 has it nowhere
          const gap = host === 200 || (host === 100 && row > 600) ? "" : `,gap=${below(9)}`;
          const b = host % 50 === 49 ? `,b=${below(2) === 1}` : "";
          lines.push(
            `m,host=h${host} f=${below(1000) / 100},i=${below(99)}i,u=${below(99)}u${gap}${b} ${time}`,
          );
        }
      await db.writeLines(lines.join("\n"), { database: "db" });
      await db.flush();
    };
    const rows = (host: number) => (host % 90 === 7 ? 4200 : host === 30 ? 3 : 700);
    await write(10_000, rows);
    await write(20_000, (host) => (host === 60 ? 0 : rows(host)));
    const request: ScanRequest = {
      ...({ database: "db", retentionPolicy: "autogen", measurement: "m", where: null } as const),
      ...{ fields: [], limit: 1, descending: false, minTime: MIN_TIME, maxTime: MAX_TIME, budget },
    };
    const check = async () => {
      for (const range of [
        [MIN_TIME, MAX_TIME],
        [MIN_TIME, 20_300n],
        [10_300n, MAX_TIME],
      ] as const)
        for (const wanted of [
          ["f", "i", "u"],
          ["gap"],
          ["gap", "f"],
          ["f", "b"],
          ["nowhere", "u"],
          ["nowhere"],
        ])
          for (const descending of [false, true]) {
            const asked = { ...request, minTime: range[0], maxTime: range[1], fields: wanted, descending };
            const whole = await rowsOf(db, { ...asked, limit: 2 });
            const first = new Map([...whole].map(([key, some]) => [key, some.slice(0, 1)]));
            const found = await rowsOf(db, asked);
            expect(found).toEqual(first);
            expect([...found.keys()]).toEqual([...first.keys()]);
          }
    };
    await check();
    // a segment within the times of another, and rows in memory
    await write(20_500, (host) => (host % 40 < 5 ? 300 : 0));
    await check();
    await db.writeLines(["m,host=h3 f=1 10500", "m,host=h8 u=7u 30000"].join("\n"), { database: "db" });
    await check();
    await db.flush();
    // rows that are deleted from a segment behind all others
    await write(40_000, (host) => (host % 90 === 7 ? 0 : 600));
    await check();
    const statements = db.run("DELETE FROM m WHERE host = 'h3' AND time >= 40500", { database: "db" });
    for await (const { series } of statements) for await (const part of series) expect(part).toBeUndefined();
    await check();
  } finally {
    await db.close();
  }
});

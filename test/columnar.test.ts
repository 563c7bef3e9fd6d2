// Rows kept as columns: whoever reads them as rows and the JSON writer, which does not, must agree.
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { systemClock } from "../src/base/clock.ts";
import { Database } from "../src/db/database.ts";
import { encodeJson } from "../src/http/output/json.ts";
import { numberText } from "../src/http/output/number.ts";
import type { Column } from "../src/model/scan.ts";
import { FieldType, type TimeUnit } from "../src/model/types.ts";
import type { SeriesBlock } from "../src/query/blocks.ts";
import { ColumnarPart, type ColumnarRows, type RowCell } from "../src/query/columnar.ts";
import { type AnswerPart, type ResultSeries, type StatementResult, seriesOf } from "../src/query/result.ts";
import { runQuery } from "../src/query/session.ts";
import { ShortSeries } from "../src/query/short-series.ts";
import { MemoryDisk } from "./disk/memory.ts";
import { Oracle } from "./oracle/oracle.ts";

interface AnsweredSeries {
  readonly tags: { readonly host: string };
  readonly values: readonly (readonly [time: number, host: string, text: string])[];
}

const ROWS = 4;
const texts = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"', "\\", "\u0000", "ä€😀", "\ud800"));
const presence = fc.option(fc.array(fc.constantFrom(0, 1), { minLength: ROWS, maxLength: ROWS }));
const listOf = <T>(values: fc.Arbitrary<T>) => fc.array(values, { minLength: ROWS, maxLength: ROWS });

const column: fc.Arbitrary<Column | null> = fc
  .tuple(
    presence.map((bytes) => bytes && Uint8Array.from(bytes)),
    fc.oneof(
      listOf(
        fc.oneof(
          fc.double(),
          fc.integer({ max: 9999 }).map((n) => n / 100),
        ),
      ).map((values) => {
        return { type: FieldType.Float, values: Float64Array.from(values) };
      }),
      listOf(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)).map((values) => {
        return { type: FieldType.Integer, values: BigInt64Array.from(values) };
      }),
      listOf(fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 99n))).map((values) => {
        return { type: FieldType.Unsigned, values: BigUint64Array.from(values) };
      }),
      listOf(fc.constantFrom(0, 1)).map((values) => {
        return { type: FieldType.Boolean, values: Uint8Array.from(values) };
      }),
      listOf(texts).map((values) => ({ type: FieldType.String, values })),
    ),
  )
  .map(([present, rest]) => ({ present, ...rest }) as Column);

const block: fc.Arbitrary<SeriesBlock> = fc
  .tuple(listOf(fc.bigInt(-(2n ** 62n), 2n ** 62n)), listOf(fc.option(column)), fc.option(texts))
  .map(([times, columns, tag]) => ({
    series: { key: "m", tags: new Map(tag === null ? [] : [["t", tag]]) },
    start: 0,
    rowCount: ROWS,
    times: BigInt64Array.from(times),
    columns,
  }));

const cells: RowCell[] = [
  { kind: "field", column: 0 },
  { kind: "tag", name: "t" },
  { kind: "field", column: 1 },
  { kind: "field", column: 2 },
  { kind: "tag", name: "none" },
];

const columnar: fc.Arbitrary<ColumnarRows> = fc
  .tuple(fc.array(block, { minLength: 1, maxLength: 3 }), fc.array(fc.nat(), { maxLength: 60 }))
  .map(([blocks, picks]) => ({
    count: picks.length,
    blocks,
    block: Uint32Array.from(picks, (pick) => pick % blocks.length),
    row: Uint32Array.from(picks, (pick) => Math.floor(pick / 7) % ROWS),
    cells,
  }));

async function json(parts: readonly AnswerPart[], epoch: TimeUnit | null): Promise<string> {
  const given = async function* () {
    yield* parts;
  };
  async function* results(): AsyncGenerator<StatementResult> {
    yield { statementId: 0, messages: [], series: seriesOf(given()), parts: given() };
  }
  let text = "";
  for await (const piece of encodeJson(results(), { epoch, pretty: false }))
    text += new TextDecoder().decode(piece);
  return text;
}

describe("rows kept as columns", () => {
  const head = { name: "m", columns: ["time", "a", "t", "b", "c", "none"], timeColumn: 0 };

  test("are written as JSON as their rows are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          columnar.filter(({ count }) => count > 0),
          { minLength: 1, maxLength: 3 },
        ),
        fc.constantFrom(null, "ms" as const, "ns" as const),
        async (all, epoch) => {
          const last = all.length - 1;
          const kept = all.map((rows, i) => new ColumnarPart(head, rows, i < last));
          const made = all.map((rows, i) => ({
            ...{ ...head, rows: new ColumnarPart(head, rows, false).rows, partial: i < last },
          }));
          expect(await json(kept, epoch)).toBe(await json(made, epoch));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("short series at once are written as one after the other is", async () => {
    const short = fc
      .tuple(
        columnar,
        fc.array(fc.integer({ min: 1, max: 4 })),
        fc.array(texts, { minLength: 70, maxLength: 70 }),
      )
      .map(([rows, sizes, values]) => {
        const ends: number[] = [];
        for (let end = 0, s = 0; end < rows.count; s++) {
          end = Math.min(rows.count, end + (sizes[s] ?? 1));
          ends.push(end);
        }
        const tags = [values.slice(0, ends.length), values.slice(-ends.length)];
        return new ShortSeries({ head, dimensions: ["a", "ü,"], tags, ends, rows });
      })
      .filter(({ ends }) => ends.length > 0);
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            short,
            columnar.map((rows) => new ColumnarPart(head, rows, false)),
          ),
        ),
        fc.constantFrom(null, "ms" as const, "ns" as const),
        async (parts, epoch) => {
          const series = parts.flatMap((part) => (part instanceof ShortSeries ? [...part] : [part]));
          for (const part of parts)
            if (part instanceof ShortSeries)
              expect(part.rowCount).toBe([...part].reduce((sum, { rows }) => sum + rows.length, 0));
          expect(await json(parts, epoch)).toBe(await json(series, epoch));
        },
      ),
      { numRuns: 300 },
    );
  });

  const floats = (values: readonly number[]) => {
    const rows: ColumnarRows = {
      count: values.length,
      blocks: [
        {
          series: { key: "m", tags: new Map() },
          start: 0,
          rowCount: values.length,
          times: BigInt64Array.from(values, (_, i) => BigInt(i)),
          columns: [{ type: FieldType.Float, present: null, values: Float64Array.from(values) }],
        },
      ],
      block: new Uint32Array(values.length),
      row: Uint32Array.from(values.keys()),
      cells: [{ kind: "field", column: 0 }],
    };
    return new ColumnarPart({ columns: ["time", "v"], timeColumn: 0 }, rows, false);
  };

  test("numbers are their texts, whatever their decimals", async () => {
    const decimals = fc
      .tuple(fc.maxSafeInteger(), fc.integer({ min: 0, max: 12 }))
      .map(([digits, places]) => digits / 10 ** places);
    const short = fc
      .tuple(fc.integer({ max: 999_999_999 }), fc.integer({ min: 0, max: 9 }))
      .map(([digits, places]) => digits / 10 ** places);
    const edges = [0, -0, 1e15, 1e15 - 1, 399_999.9999, 400_000.0001, 99999999999.9999, 9_999_999.12345678];
    const tiny = [1e-4, 1e-5, 1.5e-6, 1e-6, 9e-7, 1e-7, 5e-324, Number.MIN_VALUE];
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_VALUE, 2 ** 32, 2 ** 32 - 1, 4e9 + 0.5];
    const value = fc.oneof(decimals, short, fc.constantFrom(...edges, ...tiny, ...special), fc.double());
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 20, maxLength: 200 }), async (sizes) => {
        const values = [...sizes, ...sizes.map((size) => -size)];
        const text = await json([floats(values)], "ns");
        const rows = values.map((value, i) => `[${i},${numberText(value)}]`);
        expect(text).toContain(`"values":[${rows.join(",")}]`);
      }),
    );
  });

  test("an answer of many pieces is whole", async () => {
    const values = Array.from({ length: 30_000 }, (_, i) => (i % 7 === 0 ? Math.sqrt(i) : i / 100));
    const text = await json([floats(values)], "ns");
    expect(JSON.parse(text).results[0].series[0].values).toEqual(values.map((value, i) => [i, value]));
  });

  test("long texts fit", async () => {
    const values = Array.from({ length: 40 }, (_, i) => '"ä\u0001'.repeat(i * 999));
    const { columnar, ...head } = floats(values.map(Number));
    const [block] = columnar.blocks;
    const columns: Column[] = [{ type: FieldType.String, present: null, values }];
    const part = new ColumnarPart(
      { ...head, columns: ["time", "v"], timeColumn: 0 },
      { ...columnar, blocks: [{ ...block!, columns }] },
      false,
    );
    expect(JSON.parse(await json([part], "ns")).results[0].series[0].values).toEqual(
      values.map((value, i) => [i, value]),
    );
  });

  test("a long text takes room for itself, not in every column", async () => {
    const count = 20;
    const columnCount = 1000;
    const long = "x".repeat(5e6);
    const { columnar, ...head } = floats(new Array(count).fill(0));
    const columns = Array.from({ length: columnCount }, (_, c): Column => {
      const values = Array.from({ length: count }, (_, i) => (i === 7 && c % 300 === 1 ? long : "s"));
      return { type: FieldType.String, present: null, values };
    });
    const names = columns.map((_, c) => `c${c}`);
    const part = new ColumnarPart(
      { ...head, columns: ["time", ...names], timeColumn: 0 },
      {
        ...columnar,
        blocks: [{ ...columnar.blocks[0]!, columns }],
        cells: names.map((_, column) => ({ kind: "field", column })),
      },
      false,
    );
    const { values } = JSON.parse(await json([part], "ns")).results[0].series[0];
    const isAsGiven = (row: unknown[], i: number) =>
      row.slice(1).every((value, c) => value === columns[c]!.values[i]);
    expect(values.length).toBe(count);
    expect(values.every(isAsGiven)).toBe(true);
  });

  test("a part that is spread into another does not take the columns along", () => {
    const [rows] = fc.sample(columnar, 1);
    const part: ResultSeries = new ColumnarPart(head, rows!, true);
    expect({ ...part, rows: [] as const }).toEqual({ ...head, rows: [], partial: true });
  });

  test.each([3, 40])("%d stored rows are printed by the clock of tz()", async (count) => {
    const oracle = new Oracle({ blockRows: 8 });
    for (let i = 0; i < count; i++)
      oracle.write("db0", {
        measurement: "m",
        tags: {},
        fields: { v: { type: FieldType.Float, value: i } },
        timeNs: BigInt(i) * 1_000_000_000n,
      });
    const results = runQuery("SELECT v FROM m tz('Asia/Kolkata')", {
      ...{ source: oracle, administration: oracle, clock: systemClock, database: "db0" },
    });
    let text = "";
    for await (const piece of encodeJson(results, { epoch: null, pretty: false }))
      text += new TextDecoder().decode(piece);
    expect(text).toContain('["1970-01-01T05:30:02+05:30",2]');
    expect(text).not.toContain("Z");
  });

  test.each([
    "",
    "LIMIT 3",
    "OFFSET 2",
    "LIMIT 3 OFFSET 4",
    "OFFSET 100",
    "ORDER BY time DESC LIMIT 4 OFFSET 1",
  ])("a query gives the rows that computed columns have: %s", async (clauses) => {
    const oracle = new Oracle({ blockRows: 2 });
    for (let i = 0; i < 12; i++)
      oracle.write("db0", {
        measurement: "m",
        tags: { host: `h${i % 3}` },
        fields: { v: { type: FieldType.Float, value: i / 4 } },
        timeNs: BigInt(Math.floor(i / 2)),
      });
    const rows = async (expression: string) => {
      const text = `SELECT ${expression} FROM m ${clauses}`;
      const found: unknown[] = [];
      for await (const { series } of runQuery(text, {
        ...{ source: oracle, administration: oracle, clock: systemClock, database: "db0" },
      }))
        for await (const part of series) found.push(...part.rows);
      return found;
    };
    expect(await rows("host, v")).toEqual(await rows("host, v * 1.0"));
  });

  test("of many short series one may have a text as long as any, and all may have long ones", async () => {
    const db = await Database.open({ dataDir: "/data" }, new MemoryDisk());
    const answerOf = async (measurement: string) => {
      const pieces: Uint8Array[] = [];
      const text = `SELECT host, s FROM ${measurement} GROUP BY host`;
      for await (const piece of encodeJson(db.run(text, { database: "db0" }), { epoch: "ns", pretty: false }))
        pieces.push(piece.slice());
      const longest = Math.max(...pieces.map(({ length }) => length));
      return { longest, ...JSON.parse(Buffer.concat(pieces).toString()).results[0] };
    };
    try {
      const texts = (series: number, lengthOf: (host: number) => number) =>
        Array.from({ length: series }, (_, host) => "x".repeat(lengthOf(host)) + host);
      // (that each were as long would be more than there is memory)
      const one = texts(5000, (host) => (host === 777 ? 1e6 : 3));
      const each = texts(1000, () => 5000);
      for (const [measurement, values] of Object.entries({ one, each })) {
        const points = values.map((s, host) => ({
          measurement,
          tags: { host: String(host) },
          ...{ fields: { s }, time: host },
        }));
        await db.writeJson(JSON.stringify(points), { database: "db0" });
        const { series, error, longest } = await answerOf(measurement);
        expect(error).toBeUndefined();
        const isAsWritten = ({ tags, values: [row] }: AnsweredSeries) =>
          row![2] === values[Number(tags.host)];
        expect(series.length).toBe(values.length);
        expect(series.every(isAsWritten)).toBe(true);
        expect(longest).toBeLessThan(2 << 20);
      }
    } finally {
      await db.close();
    }
  });

  test("tags whose names have line breaks stand in their columns, whatever was answered of the series before", async () => {
    const dataDir = mkdtempSync(`${tmpdir()}/columnar-`);
    const db = await Database.open({ dataDir });
    try {
      const tags = { a: "plain", "a\n": "broken", "a\n\nta": "long" };
      const points = [1, 2].map((time) => ({
        measurement: "m",
        tags,
        fields: { v: time, w: time / 4 },
        time,
      }));
      await db.writeJson(JSON.stringify(points), { database: "db0" });
      const columns: Record<string, readonly (string | number)[]> = {
        a: ["plain", "plain"],
        '"a\\n"': ["broken", "broken"],
        '"a\\n\\nta"': ["long", "long"],
        v: [1, 2],
        w: [0.25, 0.5],
      };
      const names = Object.keys(columns);
      const lists = names.flatMap((x) => names.flatMap((y) => [[x, y], ...names.map((z) => [x, y, z])]));
      for (const list of lists.filter((each) => each.includes("v") || each.includes("w"))) {
        const query = `SELECT ${list.map((name, i) => `${name} AS c${i}`).join(", ")} FROM m`;
        let text = "";
        for await (const piece of encodeJson(db.run(query, { database: "db0" }), {
          ...{ epoch: "ns", pretty: false },
        }))
          text += new TextDecoder().decode(piece);
        const { values } = JSON.parse(text).results[0].series[0];
        expect([query, values]).toEqual([
          query,
          [0, 1].map((row) => [row + 1, ...list.map((name) => columns[name]![row]!)]),
        ]);
      }
    } finally {
      await db.close();
      rmSync(dataDir, { recursive: true });
    }
  });

  test("times of a zone are printed by its clock", async () => {
    const oracle = new Oracle();
    const start = 1_700_000_000n * 10n ** 9n;
    for (let i = 0; i < 20; i++)
      oracle.write("db0", {
        measurement: "m",
        tags: {},
        fields: { v: { type: FieldType.Float, value: i } },
        timeNs: start + BigInt(i) * 60n * 10n ** 9n,
      });
    for (const statement of [
      "v FROM m",
      "max(v) FROM m WHERE time >= 1700000000s AND time < 1700001200s GROUP BY time(1m) fill(none)",
    ]) {
      const session = { source: oracle, administration: oracle, clock: systemClock, database: "db0" };
      const results = runQuery(`SELECT ${statement} tz('Europe/Berlin')`, session);
      let text = "";
      for await (const piece of encodeJson(results, { epoch: null, pretty: false }))
        text += new TextDecoder().decode(piece);
      const { values } = JSON.parse(text).results[0].series[0];
      expect([values.length, values[1][0].slice(-8)]).toEqual([
        20,
        statement === "v FROM m" ? "20+01:00" : "00+01:00",
      ]);
    }
  });
});

describe("windows kept as columns", () => {
  const oracle = new Oracle();
  const big = 2n ** 60n;
  for (let i = 0; i < 400; i++) {
    if (Math.floor(i / 10) % 7 === 3) continue; // windows without rows
    const fields: Record<string, { type: FieldType; value: number | bigint | boolean | string }> = {
      f: { type: FieldType.Float, value: i % 9 === 0 ? -0 : i / 8 },
      i: { type: FieldType.Integer, value: i % 50 < 25 ? BigInt(i - 200) : big + BigInt(i) },
    };
    if (i % 3 === 0)
      fields.u = { type: FieldType.Unsigned, value: i < 200 ? BigInt(i) : 2n ** 63n + BigInt(i) };
    if (i % 4 === 0) fields.b = { type: FieldType.Boolean, value: i % 8 === 0 };
    if (i % 3 === 1) fields.s = { type: FieldType.String, value: `"${i}"` };
    oracle.write("db0", {
      measurement: "m",
      tags: { host: `h${i % 2}` },
      fields: fields as never,
      timeNs: BigInt(i),
    });
  }
  oracle.write("db0", {
    measurement: "m",
    tags: {},
    fields: { late: { type: FieldType.String, value: "late" } },
    timeNs: 1000n,
  });
  const rowsOf = async (from: number, to: number, columns: string, end: string) => {
    const text = `SELECT ${columns} FROM m WHERE time >= ${from} AND time < ${to} GROUP BY time(10ns)${end}`;
    const session = { source: oracle, administration: oracle, clock: systemClock, database: "db0" };
    const parts: ResultSeries[] = [];
    for await (const { series } of runQuery(text, session)) for await (const part of series) parts.push(part);
    return parts;
  };
  const columnsShown = [
    "max(f), min(i), sum(u), count(s), mean(i)",
    "last(s), first(b), sum(f) * 2 + count(i), max(i)",
    "median(f), mode(s), spread(u), max(nothing)",
    "count(i), last(late)",
  ];
  for (const columns of columnsShown)
    test.each(["", " fill(none)", " fill(7)", " fill(-1)"])(
      `${columns}%s: as a few windows at a time`,
      async (fill) => {
        const found = await rowsOf(0, 400, columns, fill);
        // a number among texts is no column of theirs, nor one below 0 among unsigned ones
        const isMixed = /late.*\d|\(u\).*-1/.test(columns + fill);
        expect(found[0]!.columnar === undefined).toBe(isMixed);
        const rows = found.flatMap((part) => part.rows);
        const few: ResultSeries["rows"][number][] = [];
        for (let from = 0; from < 400; from += 100)
          // (with a limit it is no table)
          for (const part of await rowsOf(from, from + 100, columns, `${fill} LIMIT 1000`)) {
            expect(part.columnar).toBeUndefined();
            few.push(...part.rows);
          }
        expect(rows).toEqual(few);
        const limited = await rowsOf(0, 400, columns, `${fill} LIMIT 1000`);
        expect(limited[0]!.columnar === undefined).toBe(isMixed);
        expect(limited.flatMap((part) => part.rows)).toEqual(few);
        const newest = await rowsOf(0, 400, columns, `${fill} ORDER BY time DESC LIMIT 20 OFFSET 3`);
        expect(newest.flatMap((part) => part.rows)).toEqual(few.toReversed().slice(3, 23));
      },
    );
});

// Tables of series: whoever reads them series by series and the JSON writer, which does not, must agree.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Database } from "../src/db/database.ts";
import { encodeJson } from "../src/http/output/json.ts";
import type { Column } from "../src/model/scan.ts";
import { FieldType, type TimeUnit } from "../src/model/types.ts";
import type { AnswerPart, StatementResult } from "../src/query/result.ts";
import { rowCount, seriesOf } from "../src/query/result.ts";
import { SeriesTable } from "../src/query/series-table.ts";
import { MemoryDisk } from "./disk/memory.ts";

async function text(results: AsyncIterable<StatementResult>, epoch: TimeUnit | null): Promise<string> {
  let all = "";
  const utf8 = new TextDecoder();
  for await (const piece of encodeJson(results, { epoch, pretty: false }))
    all += utf8.decode(piece, { stream: true });
  return all;
}

function answerOf(parts: readonly AnswerPart[], takesTables: boolean): AsyncIterable<StatementResult> {
  const given = async function* () {
    yield* parts;
  };
  return (async function* () {
    const series = seriesOf(given());
    const result = { statementId: 0, messages: [], series };
    yield takesTables ? { ...result, parts: given() } : result;
  })();
}

const listOf = <T>(values: fc.Arbitrary<T>, length: number) =>
  fc.array(values, { minLength: length, maxLength: length });

function columnOf(length: number): fc.Arbitrary<Column | null> {
  const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
  return fc
    .tuple(
      fc.option(listOf(fc.constantFrom(0, 1), length)),
      fc.oneof(
        listOf(
          fc.oneof(
            fc.double(),
            fc.nat(999).map((n) => n / 8),
          ),
          length,
        ).map((values) => {
          return { type: FieldType.Float, values: Float64Array.from(values) };
        }),
        listOf(int64, length).map((values) => {
          return { type: FieldType.Integer, values: BigInt64Array.from(values) };
        }),
        listOf(int64, length).map((values) => {
          return { type: FieldType.Unsigned, values: BigUint64Array.from(values) };
        }),
        fc.constant(null),
      ),
    )
    .map(([present, rest]) => rest && ({ present: present && Uint8Array.from(present), ...rest } as Column));
}

const tag = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", '"', "\\", "ä€😀"));

const table: fc.Arbitrary<SeriesTable> = fc
  .record({ count: fc.integer({ min: 1, max: 5 }), rows: fc.integer({ min: 1, max: 4 }) })
  .chain(({ count, rows }) =>
    fc.record({
      times: listOf(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), rows).map((list) => BigInt64Array.from(list)),
      tags: fc.array(listOf(tag, count), { maxLength: 3 }),
      columns: fc.array(columnOf(count * rows), { minLength: 1, maxLength: 3 }),
      leavesOutNulls: fc.boolean(),
      seriesCount: fc.constant(count),
    }),
  )
  .map((shape) => {
    const columns = ["time", ...shape.columns.map((_, c) => `c${c}`)];
    const head = { name: "m", columns, timeColumn: 0 };
    const dimensions = shape.tags.map((_, d) => `"t${d}`);
    return new SeriesTable({ ...shape, head, dimensions });
  })
  // (a series without a row is in no answer)
  .filter((made) => [...made].every((series) => rowCount(series) > 0));

test("tables are written as their series are", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(table, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(null, "ms" as const, "ns" as const),
      async (tables, epoch) => {
        const mixed = tables.flatMap((each, i): AnswerPart[] => (i % 2 === 0 ? [each] : [...each, each]));
        expect(await text(answerOf(mixed, true), epoch)).toBe(await text(answerOf(mixed, false), epoch));
        for (const each of tables)
          expect(each.rowCount).toBe([...each].reduce((sum, series) => sum + rowCount(series), 0));
      },
    ),
    { numRuns: 500 },
  );
});

test("an answer of many tables is whole, in the order of the tags", async () => {
  const db = await Database.open({ dataDir: "/data", partitions: 4 }, new MemoryDisk(1));
  await db.createDatabase("d");
  const lines = Array.from({ length: 9000 }, (_, i) => {
    const unsigned = i % 5 === 0 ? "" : `,u=${i}u`;
    return `m,host=ä${(i * 7) % 3000},dc=${i % 2} f=${i / 8},i=${i}i${unsigned} ${Math.floor(i / 3000) * 10}`;
  });
  expect((await db.writeLines(lines.join("\n"), { database: "d" })).errors).toEqual([]);
  for (const [calls, end, count] of [
    ["mean(f)", "", 3000],
    ["mean(i), sum(i), max(u), first(f), last(u), min(f), mean(u)", "", 3000],
    ["sum(u)", "fill(none)", 2400],
    ["max(i), max(i)", "SLIMIT 100 SOFFSET 2500", 100],
    ["mean(f)", "SLIMIT 7 SOFFSET 10000", 0],
  ]) {
    const query = `SELECT ${calls} FROM m WHERE time >= 0 AND time < 30 GROUP BY time(10ns), host, dc ${end}`;
    const read = async (takesTables: boolean) => {
      async function* results() {
        for await (const { parts, ...result } of db.run(query, { database: "d" }))
          yield takesTables ? { ...result, parts: parts! } : result;
      }
      return text(results(), "ns");
    };
    const tables = await read(true);
    expect(tables === (await read(false))).toBe(true);
    const hosts = (JSON.parse(tables).results[0].series ?? []).map(
      ({ tags }: { tags: { host: string; dc: string } }) => `${tags.dc} ${tags.host}`,
    );
    expect(hosts).toEqual(hosts.toSorted());
    expect(hosts).toHaveLength(Number(count));
  }
  await db.close();
});

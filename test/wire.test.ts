// What a source answers survives its way between threads, whatever it is and wherever the buffer's views begin.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Column, FoldedColumn, FoldedGroups, RowBatch } from "../src/model/scan.ts";
import { decodeKeyText } from "../src/model/serieskey.ts";
import { FieldType } from "../src/model/types.ts";
import { readBatches, readGroups, WireWriter } from "../src/model/wire.ts";

// (toEqual takes no NaN in a Float64Array for equal: it stands in the last test)
const float = fc.double({ noNaN: true });
const int = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const unsigned = fc.bigInt(0n, 2n ** 64n - 1n);
const list = <T>(each: fc.Arbitrary<T>, length: number) =>
  fc.array(each, { minLength: length, maxLength: length, size: "max" });

function columnOf(rows: number): fc.Arbitrary<Column | null> {
  const present = fc.option(list(fc.constantFrom(0, 1), rows).map((flags) => Uint8Array.from(flags)));
  return fc.oneof(
    fc.constant(null),
    fc.record({
      type: fc.constant(FieldType.Float),
      values: list(float, rows).map((v) => Float64Array.from(v)),
      present,
    }),
    fc.record({
      type: fc.constant(FieldType.Integer),
      values: list(int, rows).map((v) => BigInt64Array.from(v)),
      present,
    }),
    fc.record({
      ...{
        type: fc.constant(FieldType.Unsigned),
        values: list(unsigned, rows).map((v) => BigUint64Array.from(v)),
      },
      present,
    }),
    fc.record({
      ...{
        type: fc.constant(FieldType.Boolean),
        values: list(fc.constantFrom(0, 1), rows).map((v) => Uint8Array.from(v)),
      },
      present,
    }),
    fc.record({
      ...{
        type: fc.constant(FieldType.String),
        values: list(fc.string({ unit: "grapheme", maxLength: 12 }), rows),
        present,
      },
    }),
  ) as fc.Arbitrary<Column | null>;
}

const seriesKeys = ["cpu,host=a,region=eu", "cpu", "w\\,ind\\ x,t\\=k=v\\,x,ü=ö"];
const series = fc.constantFrom(...seriesKeys).map((key) => ({
  key,
  tags: new Map(decodeKeyText(key).tags.map((tag) => [tag.key, tag.value])),
}));
const batch: fc.Arbitrary<RowBatch> = fc.integer({ min: 0, max: 40 }).chain((rows) =>
  fc.record({
    series: fc.array(series, { minLength: 3, maxLength: 3 }),
    ends: fc.constant([rows >> 2, rows >> 1, rows]),
    times: list(int, rows).map((times) => BigInt64Array.from(times)),
    columns: fc.array(columnOf(rows), { maxLength: 5 }),
  }),
);

test("batches of rows", () => {
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 12 }), fc.array(batch, { maxLength: 3 }), (batches, more) => {
      const writer = new WireWriter();
      // a writer is used again and again
      for (const given of [batches, more]) {
        for (const each of given) writer.batch(each);
        expect(writer.isEmpty).toBe(given.length === 0);
        expect([...readBatches(writer.finish())]).toEqual(given);
      }
    }),
    { numRuns: 200 },
  );
});

function foldedOf(windows: number): fc.Arbitrary<FoldedColumn | null> {
  const floats = list(float, windows).map((v) => Float64Array.from(v));
  const times = list(int, windows).map((v) => BigInt64Array.from(v));
  const of = <T>(type: FieldType, values: fc.Arbitrary<T>) =>
    fc.record(
      {
        ...{ type: fc.constant(type), count: floats, sum: values, min: values, minTime: times, max: values },
        ...{ maxTime: times, first: values, firstTime: times, last: values, lastTime: times },
        ...{ mean: floats, deviations: floats },
      },
      { requiredKeys: ["type", "count"] },
    ) as unknown as fc.Arbitrary<FoldedColumn>;
  return fc.oneof(
    fc.constant(null),
    of(FieldType.Float, floats),
    of(FieldType.Integer, times),
    of(
      FieldType.Unsigned,
      list(unsigned, windows).map((v) => BigUint64Array.from(v)),
    ),
    fc.record({ type: fc.constant(FieldType.String), count: floats }),
  );
}

test("partial aggregates", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 5 });
  const groups: fc.Arbitrary<FoldedGroups> = fc
    .record({ count: fc.integer({ min: 1, max: 5 }), windows: fc.integer({ min: 1, max: 5 }) })
    .chain(({ count, windows }) =>
      fc.record({
        count: fc.constant(count),
        tags: fc.array(fc.array(text, { minLength: count, maxLength: count }), { maxLength: 3 }),
        columns: fc.array(foldedOf(count * windows), { maxLength: 4 }),
      }),
    );
  fc.assert(
    fc.property(fc.array(groups, { maxLength: 10 }), (batches) => {
      const writer = new WireWriter();
      for (const each of batches) writer.groups(each);
      expect([...readGroups(writer.finish())]).toEqual(batches);
    }),
    { numRuns: 200 },
  );
});

test("bytes that begin anywhere in a buffer", () => {
  const writer = new WireWriter();
  const series = { key: "m", tags: new Map<string, string>() };
  const values = Float64Array.of(1.5, -0, NaN);
  const given: RowBatch = {
    ...{ series: [series], ends: [3], times: BigInt64Array.of(1n, 2n, 3n) },
    columns: [{ type: FieldType.Float, values, present: null }],
  };
  writer.batch(given);
  const bytes = writer.finish();
  for (let shift = 0; shift < 8; shift++) {
    const moved = new Uint8Array(bytes.length + 8);
    moved.set(bytes, shift);
    const [read] = [...readBatches(moved.subarray(shift, shift + bytes.length))];
    expect([...(read!.columns[0]!.values as Float64Array)]).toEqual([...values]);
    expect(read!.times).toEqual(given.times);
  }
});

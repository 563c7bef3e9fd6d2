import { expect, test } from "bun:test";
import fc from "fast-check";
import { CorruptionError, InputError } from "../src/base/errors.ts";
import { BatchBuilder, type FieldValue } from "../src/ingest/builder.ts";
import { type BatchView, openBatch } from "../src/model/batchview.ts";
import { decodeSeriesKey, encodeSeriesKey } from "../src/model/serieskey.ts";
import { FieldType } from "../src/model/types.ts";

const text = new TextDecoder();

/** All rows of a batch as plain data, tables in order. */
function rowsOf(batch: BatchView) {
  return batch.tables.flatMap((table) =>
    [...table.rows()].map((row) => ({
      key: text.decode(table.seriesKey(row.series)),
      time: row.time,
      fields: Object.fromEntries(
        row.values.flatMap((value, i) =>
          value === undefined
            ? []
            : [
                [
                  text.decode(table.fields[i]!.name),
                  value instanceof Uint8Array ? text.decode(value) : value,
                ],
              ],
        ),
      ),
    })),
  );
}

const name = fc
  .string({ minLength: 1, maxLength: 6, unit: "grapheme" })
  .filter((s) => !s.endsWith("\\") && s !== "time");
const value: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.boolean(),
  fc.string({ unit: "grapheme" }),
);
const point = fc.record({
  measurement: fc.constantFrom("cpu", "a b", "m,x"),
  tags: fc.uniqueArray(fc.record({ key: name, value: name }), { selector: (tag) => tag.key, maxLength: 3 }),
  fields: fc.uniqueArray(fc.tuple(fc.oneof(name, fc.constantFrom("f", "g")), value), {
    selector: ([key]) => key,
    minLength: 1,
    maxLength: 4,
  }),
  time: fc.bigInt({ min: -(2n ** 63n) + 2n, max: 2n ** 63n - 2n }),
});

test("a built batch opens and holds the points as given, table by table", () => {
  fc.assert(
    fc.property(fc.array(point, { maxLength: 20 }), (points) => {
      const builder = new BatchBuilder({ database: "db", retentionPolicy: "rp" });
      for (const p of points) builder.add(p.measurement, p.tags, p.fields, p.time);
      const batch = openBatch(builder.finish());
      expect([batch.database, batch.retentionPolicy, batch.rowCount]).toEqual(["db", "rp", points.length]);
      const order = [...new Set(points.map((p) => p.measurement))];
      expect(batch.tables.map((table) => text.decode(table.measurement))).toEqual(order);
      const expected = order.flatMap((m) => points.filter((p) => p.measurement === m));
      expect(rowsOf(batch)).toEqual(
        expected.map((p) => ({
          key: text.decode(encodeSeriesKey(p.measurement, p.tags)),
          time: p.time,
          fields: Object.fromEntries(p.fields),
        })),
      );
    }),
    { numRuns: 200 },
  );
});

test("a series key reads back", () => {
  fc.assert(
    fc.property(point, ({ measurement, tags }) => {
      const sorted = tags.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
      expect(decodeSeriesKey(encodeSeriesKey(measurement, tags))).toEqual({ measurement, tags: sorted });
    }),
  );
});

test("the last value of a field wins, whatever its type; a refused point leaves nothing", () => {
  const builder = new BatchBuilder({ database: "db" });
  builder.add(
    "m",
    [],
    [
      ["f", 1],
      ["f", 2n],
    ],
    1n,
  );
  expect(() => builder.add("m", [{ key: "t", value: "1" }], [["g", Number.NaN]], 2n)).toThrow(InputError);
  expect(() => builder.add("n", [], [["time", 1]], 2n)).toThrow(/time/);
  expect(() => builder.add("m", [{ key: "time", value: "x" }], [["f", 1]], 2n)).toThrow(/tag key/);
  expect(() => builder.add("m", [], [["f", 1]], 2n ** 63n - 1n)).toThrow(/outside/);
  const batch = openBatch(builder.finish());
  expect(rowsOf(batch)).toEqual([{ key: "m", time: 1n, fields: { f: 2n } }]);
  expect(batch.tables[0]!.fields).toHaveLength(1);
});

test("a type that is given is taken", () => {
  const builder = new BatchBuilder({ database: "db" });
  builder.add("m", [], [["f", 7n, FieldType.Unsigned]], 1n);
  expect(openBatch(builder.finish()).tables[0]!.fields[0]!.type).toBe(FieldType.Unsigned);
});

test("names that UTF-8 cannot hold become the same replacement character", () => {
  const builder = new BatchBuilder({ database: "db" });
  builder.add(
    "m\ud800",
    [],
    [
      ["f\ud800", 1],
      ["f\udfff", 2],
    ],
    1n,
  );
  builder.add("m\udfff", [], [["f\ufffd", 3]], 2n);
  const batch = openBatch(builder.finish());
  expect(rowsOf(batch).map((row) => row.fields)).toEqual([{ "f\ufffd": 2 }, { "f\ufffd": 3 }]);
  expect(batch.tables).toHaveLength(1);
});

test("every cut and every flipped byte of a batch is refused or leaves a batch that can be read whole", () => {
  const builder = new BatchBuilder({ database: "db", retentionPolicy: "rp" });
  builder.add(
    "cpu",
    [{ key: "host", value: "a" }],
    [
      ["f", 1.5],
      ["s", "xyz"],
      ["b", true],
    ],
    5n,
  );
  builder.add(
    "cpu",
    [{ key: "host", value: "b" }],
    [
      ["i", 7n],
      ["s", ""],
    ],
    -5n,
  );
  builder.add("mem", [], [["u", 2n ** 64n - 1n]], 9n);
  const bytes = builder.finish();
  for (let cut = 0; cut < bytes.length; cut++)
    expect(() => openBatch(bytes.slice(0, cut), "wal 3")).toThrow(CorruptionError);
  let refused = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (const flip of [1, 0x80, 0xff]) {
      const copy = bytes.slice();
      copy[at]! ^= flip;
      try {
        rowsOf(openBatch(copy, "wal 3"));
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptionError);
        refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(bytes.length);
});

test("unaligned bytes are read as well", () => {
  const builder = new BatchBuilder({ database: "db" });
  builder.add("m", [], [["f", 1]], 1n);
  const bytes = builder.finish();
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(rowsOf(openBatch(shifted.subarray(3)))).toEqual([{ key: "m", time: 1n, fields: { f: 1 } }]);
});

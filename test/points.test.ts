import { expect, test } from "bun:test";
import { encodePoints, type Point } from "../src/ingest/points.ts";
import { openBatch } from "../src/model/batchview.ts";
import { FieldType } from "../src/model/types.ts";

const target = { database: "db" };

test("points of every kind of value and time", () => {
  const batch = openBatch(
    encodePoints(
      [
        { measurement: "m", tags: { b: "2", a: "1" }, fields: { f: 1, i: 2n, s: "x", t: true }, time: 5n },
        { measurement: "m", fields: { f: -0 }, time: 1700000000123 },
        { measurement: "m", fields: { f: 1 }, time: new Date(1700000000123) },
        { measurement: "m", fields: { f: 1 } },
        { measurement: "m", fields: { f: 1 }, time: 1.5 },
      ],
      target,
      77n,
    ).batch,
  );
  const table = batch.tables[0]!;
  expect(new TextDecoder().decode(table.seriesKey(0))).toBe("m,a=1,b=2");
  expect([...table.times]).toEqual([5n, 1700000000123000000n, 1700000000123000000n, 77n, 1500000n]);
  expect(table.fields.map((field) => field.type)).toEqual([
    FieldType.Float,
    FieldType.Integer,
    FieldType.String,
    FieldType.Boolean,
  ]);
  expect([...table.rows()].map((row) => row.values[0])).toEqual([1, -0, 1, 1, 1]);
});

test("an error names the point and nothing is written", () => {
  const good: Point = { measurement: "m", fields: { f: 1 } };
  const bad: [unknown, RegExp][] = [
    [{ measurement: "", fields: { f: 1 } }, /points\[1\]: measurement is empty/],
    [{ fields: { f: 1 } }, /points\[1\]: measurement is not a string/],
    [{ measurement: "m", fields: {} }, /points\[1\]: a point needs at least one field/],
    [{ measurement: "m", fields: { f: null } }, /points\[1\]: field "f": a null is not a value/],
    [{ measurement: "m", fields: { f: 2n ** 64n } }, /64 bits/],
    [{ measurement: "m", tags: { t: 1 }, fields: { f: 1 } }, /tag "t" is not a string/],
    [
      { measurement: "m", fields: { f: 1 }, time: new Date(Number.NaN) },
      /points\[1\]: time: Invalid Date is no time/,
    ],
    [null, /points\[1\]: not a point/],
  ];
  for (const [point, message] of bad)
    expect(() => encodePoints([good, point as Point], target, 0n)).toThrow(message);
});

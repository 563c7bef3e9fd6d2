// Filter kernels against plain JavaScript: comparisons of columns, masks, rows that are kept, the search for a time.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Comparison, compareColumn } from "../src/kernels/filter.ts";
import { FieldType } from "../src/model/types.ts";
import { anyValue, kernels, type NumberType, Pieces, seriesOf } from "./support/folding.ts";

describe.each([FieldType.Float, FieldType.Integer, FieldType.Unsigned] as NumberType[])("type %d", (type) => {
  test("comparisons with constants of every kind", () => {
    const constant = fc.oneof(
      fc.integer({ min: -21, max: 21 }),
      fc.double(),
      fc.bigInt(-(2n ** 65n), 2n ** 65n),
      anyValue[type],
    );
    const operators: Comparison[] = ["=", "!=", "<", "<=", ">", ">="];
    const holds: Record<Comparison, (a: number | bigint, b: number | bigint) => boolean> = {
      // biome-ignore lint/suspicious/noDoubleEquals: number with bigint, as mathematical values
      "=": (a, b) => a == b,
      // biome-ignore lint/suspicious/noDoubleEquals: as above
      "!=": (a, b) => a != b,
      "<": (a, b) => a < b,
      "<=": (a, b) => a <= b,
      ">": (a, b) => a > b,
      ">=": (a, b) => a >= b,
    };
    fc.assert(
      fc.property(seriesOf(type), constant, fc.constantFrom(...operators), (series, against, operator) => {
        const limit = type === FieldType.Float ? Number(against) : against;
        const pieces = new Pieces();
        const rowCount = series.values.length;
        const column = {
          values: pieces.values(type, series.values),
          present: series.present ? pieces.bytes(series.present) : 0,
          rowCount,
        };
        const mask = pieces.room(rowCount);
        compareColumn(kernels, type, column, operator, limit, mask);
        const expected = series.values.map((value, row) =>
          series.present?.[row] !== 0 && holds[operator](value, limit) ? 1 : 0,
        );
        expect(Array.from(kernels.view(mask, rowCount))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

test("masks combine, and gather keeps the wanted rows", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(0, 1), fc.bigInt(0n, 99n)), {
        maxLength: 100,
        size: "max",
      }),
      (rows) => {
        const pieces = new Pieces();
        const a = pieces.bytes(rows.map(([x]) => x));
        const b = pieces.bytes(rows.map(([, y]) => y));
        const both = pieces.room(rows.length);
        const either = pieces.room(rows.length);
        kernels.call.andMasks(a, b, rows.length, both);
        kernels.call.orMasks(a, b, rows.length, either);
        expect(Array.from(kernels.view(both, rows.length))).toEqual(rows.map(([x, y]) => x & y));
        expect(Array.from(kernels.view(either, rows.length))).toEqual(rows.map(([x, y]) => x | y));
        const values = pieces.times(rows.map(([, , z]) => z));
        const out = pieces.room(rows.length * 8);
        const kept = kernels.call.gather(values, a, rows.length, out);
        const wanted = rows.filter(([x]) => x === 1);
        expect(Array.from(kernels.i64(out, kept))).toEqual(wanted.map(([, , z]) => z));
        const bytesOut = pieces.room(rows.length);
        expect(kernels.call.gatherBytes(b, a, rows.length, bytesOut)).toBe(kept);
        expect(Array.from(kernels.view(bytesOut, kept))).toEqual(wanted.map(([, y]) => y));
      },
    ),
  );
});

test("lowerBound finds the first time not before another", () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt(-50n, 50n), { maxLength: 100, size: "max" }),
      fc.bigInt(-60n, 60n),
      fc.nat(100),
      (list, time, start) => {
        const times = list.toSorted((a, b) => Number(a - b));
        const from = Math.min(start, times.length);
        const found = kernels.call.lowerBound(new Pieces().times(times), from, times.length, time);
        const expected = times.findIndex((t, row) => row >= from && t >= time);
        expect(found).toBe(expected === -1 ? times.length : expected);
      },
    ),
  );
});

// Generated points and query texts, for tests that two sources (or two ways through the executor) answer alike.
//
// Times lie within seconds of 1970 and repeat, so that writes overwrite each other, windows hold several rows and
// rows of several series share a time. All five types occur, and integers outside a double's range.
import fc from "fast-check";
import { FieldType } from "../../src/model/types.ts";
import type { OraclePoint, Value } from "./oracle.ts";

/** Points are of these measurements; `m` is the one that queries read. */
export const measurements = ["m", "other one"] as const;

const typed = (type: FieldType, value: fc.Arbitrary<Value>) =>
  fc.option(
    value.map((each) => ({ type, value: each })),
    { nil: undefined },
  );

const fields = fc
  .record({
    f: typed(
      FieldType.Float,
      fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.integer({ min: -2, max: 2 })),
    ),
    i: typed(FieldType.Integer, fc.bigInt(-3n, 3n)),
    wide: typed(FieldType.Integer, fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
    u: typed(FieldType.Unsigned, fc.bigInt(0n, 2n ** 53n)),
    b: typed(FieldType.Boolean, fc.boolean()),
    s: typed(FieldType.String, fc.constantFrom("", "x", "y z", 'quo"te', "ümlaut")),
  })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
  .filter((some) => Object.keys(some).length > 0) as fc.Arbitrary<OraclePoint["fields"]>;

export const pointArbitrary: fc.Arbitrary<OraclePoint> = fc.record({
  measurement: fc.oneof(
    { weight: 5, arbitrary: fc.constant("m") },
    { weight: 1, arbitrary: fc.constant("other one") },
  ),
  tags: fc.record(
    { host: fc.constantFrom("a", "b", "c d"), rack: fc.constantFrom("1", "2") },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Record<string, string>>,
  fields,
  timeNs: fc
    .oneof(fc.integer({ min: -30, max: 200 }), fc.constantFrom(-30, 0, 20, 21, 200))
    .map((s) => BigInt(s) * 1_000_000_000n),
});

const pick = (...texts: string[]) => fc.constantFrom(...texts);
const number = pick("f", "f", "i", "wide", "u");
const any = pick("f", "i", "u", "b", "s", "wide");
const call = (names: string[], argument: fc.Arbitrary<string>, rest = "") =>
  fc.tuple(pick(...names), argument).map(([name, field]) => `${name}(${field}${rest})`);

const foldedCall = fc.oneof(
  call(["sum", "mean", "min", "max", "spread", "stddev"], number),
  call(["count", "first", "last"], any),
);
const aggregate = fc.oneof(
  { weight: 3, arbitrary: foldedCall },
  { weight: 1, arbitrary: call(["median"], number) },
  { weight: 1, arbitrary: call(["mode"], any) },
  { weight: 1, arbitrary: call(["percentile"], number, ", 75") },
  { weight: 1, arbitrary: call(["min", "max"], fc.constant("b")) },
);
const named = (list: string[]) => list.map((each, index) => `${each} AS c${index}`).join(", ");
const aggregates = fc.array(aggregate, { minLength: 1, maxLength: 3 }).map(named);
const selectorRow = fc
  .tuple(call(["min", "max", "first", "last"], number), pick("host", "i, s", "*", "f, rack"))
  .map(([selector, columns]) => `${selector}, ${columns}`);
const several = fc.oneof(
  call(["top", "bottom"], number, ", 3"),
  call(["top", "bottom"], number, ", host, 2"),
  call(["distinct"], any),
);
const overRows = fc.oneof(
  call(["derivative", "non_negative_derivative", "difference", "cumulative_sum", "integral"], pick("f", "i")),
  call(["moving_average"], pick("f", "i"), ", 2"),
);
const overWindows = fc.oneof(
  call(["derivative", "difference", "cumulative_sum"], call(["mean", "max", "count"], pick("f", "i"))),
  call(["moving_average"], call(["mean", "sum"], pick("f", "i")), ", 3"),
);
const arithmetic = fc
  .tuple(
    call(["sum", "mean", "max"], pick("f", "i")),
    pick("+", "-", "*", "/"),
    call(["count", "min"], pick("f", "i")),
  )
  .map((parts) => parts.join(" "));
const rows = pick("f", "*", "i, s, host", "f, i + 1, f * 2 - i", "wide, u, b", "i / 2, i % 3, -f");

const condition = pick(
  "",
  "",
  "",
  "host = 'a'",
  "host != 'a'",
  "rack = ''",
  "host =~ /a|b/ AND f > 0",
  "f > 0 OR i < 3",
  "i >= 0 AND s != 'x'",
  "b = true",
  "s =~ /z|te/",
  "(host = 'b' OR f < 100) AND rack !~ /2/",
  "f > i",
  "wide > 0",
);
const dimensions = pick("", "", "host", "rack", "host, rack", "*");
const fill = pick(
  "",
  "fill(none)",
  "fill(null)",
  "fill(previous)",
  "fill(previous, 30s)",
  "fill(linear)",
  "fill(0)",
  "fill(7.5)",
);
const range = fc
  .tuple(fc.integer({ min: -40, max: 150 }), fc.integer({ min: 0, max: 250 }))
  .map(([from, length]) => `time >= ${from}s AND time < ${from + length}s`);

interface Shape {
  readonly columns: fc.Arbitrary<string>;
  /** "may" or "must" have windows. */
  readonly windows: "no" | "may" | "must";
}

const shapes: readonly Shape[] = [
  { columns: aggregates, windows: "may" },
  { columns: aggregates, windows: "may" },
  { columns: arithmetic, windows: "may" },
  { columns: selectorRow, windows: "no" },
  { columns: several, windows: "may" },
  { columns: overRows, windows: "no" },
  { columns: overWindows, windows: "must" },
  { columns: rows, windows: "no" },
];

/** SELECT statements over measurement `m`: every function and clause, bounded times. */
export const queryArbitrary: fc.Arbitrary<string> = fc.constantFrom(...shapes).chain((shape) =>
  fc
    .record({
      columns: shape.columns,
      isWindowed: shape.windows === "may" ? fc.boolean() : fc.constant(shape.windows === "must"),
      every: pick("7s", "20s", "1m", "20s, 3s", "1h", "1mo", "1y, 1mo"),
      range,
      isBounded: fc.boolean(),
      condition,
      dimensions,
      fill,
      descending: fc.boolean(),
      limit: fc.constantFrom(0, 0, 3, 5),
      offset: fc.nat(2),
      series: pick("", "", "SLIMIT 2", "SLIMIT 1 SOFFSET 1"),
    })
    .map((query) => {
      const where = [
        query.isWindowed || query.isBounded ? query.range : "",
        query.condition && `(${query.condition})`,
      ];
      const group = [query.isWindowed ? `time(${query.every})` : "", query.dimensions]
        .filter(Boolean)
        .join(", ");
      const clauses = [
        `SELECT ${query.columns} FROM m`,
        where.some(Boolean) ? `WHERE ${where.filter(Boolean).join(" AND ")}` : "",
        group && `GROUP BY ${group}`,
        query.isWindowed ? query.fill : "",
        query.descending ? "ORDER BY time DESC" : "",
        query.limit > 0 ? `LIMIT ${query.limit} OFFSET ${query.offset}` : "",
        query.series,
      ];
      return clauses.filter(Boolean).join(" ");
    })
    // over months it asks for a unit
    .filter((text) => !/derivative\(\w+\(\w\)\).*time\(1(mo|y)/.test(text)),
);

/** Those whose answers mostly are tables of series (src/query/window-tables.ts). */
export const tabularArbitrary: fc.Arbitrary<string> = fc
  .record({
    columns: fc
      .array(call(["sum", "mean", "min", "max", "first", "last", "count"], number), {
        minLength: 1,
        maxLength: 4,
      })
      .map(named),
    groups: fc
      .record({
        every: pick("", "time(7s)", "time(20s)", "time(20s, 3s)", "time(1m)"),
        tags: pick("", "host", "rack", "host, rack"),
      })
      .map(({ every, tags }) => [every, tags].filter((each) => each !== "").join(", ")),
    range,
    condition,
    fill: pick("", "fill(null)", "fill(none)", "fill(7)", "fill(-1.5)"),
    order: pick("", "", "ORDER BY time DESC"),
    series: pick("", "", "SLIMIT 2", "SLIMIT 1 SOFFSET 1"),
  })
  .map(({ columns, groups, range: times, condition: where, fill: filling, order, series }) => {
    const all = where === "" ? times : `${times} AND (${where})`;
    const grouped = groups === "" ? "" : `GROUP BY ${groups} ${filling}`;
    return `SELECT ${columns} FROM m WHERE ${all} ${grouped} ${order} ${series}`;
  });

/** One selector by tags: its rows have times of their own. */
export const selectorArbitrary: fc.Arbitrary<string> = fc
  .record({
    column: call(["min", "max", "first", "last"], number),
    ...{ range, condition, tags: pick("host", "rack", "host, rack") },
    order: pick("", "", "ORDER BY time DESC"),
    series: pick("", "", "SLIMIT 2", "SLIMIT 1 SOFFSET 1"),
  })
  .map(({ column, range: times, condition: where, tags, order, series }) => {
    const all = where === "" ? times : `${times} AND (${where})`;
    return `SELECT ${column} FROM m WHERE ${all} GROUP BY ${tags} ${order} ${series}`;
  });

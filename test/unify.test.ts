// Field types: what is converted, what is refused and how it is said; in place (bind) and by rebuilding a batch.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bind, rebuild } from "../src/db/unify.ts";
import { BatchBuilder, type FieldValue } from "../src/ingest/builder.ts";
import { LineParser } from "../src/ingest/line.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { openBatch } from "../src/model/batchview.ts";
import { FieldType } from "../src/model/types.ts";
import { Schema } from "../src/store/schema.ts";

const { Float, Integer, Unsigned, Boolean: Bool, String: Text } = FieldType;
const kernels = new Kernels();
const utf8 = new TextDecoder();

type Field = readonly [name: string, value: FieldValue, type: FieldType];
interface Point {
  readonly fields: readonly Field[];
  readonly measurement?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Times are the points' places. */
function batchOf(points: readonly Point[]): Uint8Array {
  const builder = new BatchBuilder({ database: "db", retentionPolicy: "rp" });
  for (const [n, { measurement = "m", tags = {}, fields }] of points.entries()) {
    const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
    builder.add(measurement, list, fields, BigInt(n));
  }
  return builder.finish();
}

function schemaOf(fields: Record<string, FieldType> = {}): Schema {
  const schema = new Schema();
  for (const [name, type] of Object.entries(fields)) schema.measurement("db", "m").define(name, type);
  return schema;
}

const typesIn = (schema: Schema, measurement = "m") =>
  Object.fromEntries(schema.measurement("db", measurement).fields.map(({ name, type }) => [name, type]));

/** Rows of a batch: `measurement`, time, and values by name. */
function rowsOf(batch: Uint8Array) {
  return openBatch(batch).tables.flatMap((table) => {
    const names = table.fields.map(({ name }) => utf8.decode(name));
    return [...table.rows()].map((row) => ({
      key: utf8.decode(table.seriesKey(row.series)),
      time: Number(row.time),
      values: Object.fromEntries(
        row.values.flatMap((value, f) => {
          if (value === undefined) return [];
          const plain = value instanceof Uint8Array ? utf8.decode(value) : value;
          return [[names[f]!, [table.fields[f]!.type, plain] as const]];
        }),
      ),
    }));
  });
}

/** Binds a batch; gives its rows as they are then, or null when it must be rebuilt. */
function bound(schema: Schema, points: readonly Point[], strict = false) {
  const batch = batchOf(points);
  const area = kernels.alloc(batch.length);
  kernels.put(area, batch);
  const tables = bind(kernels, schema, area, "db", "rp", strict);
  const rows = rowsOf(kernels.view(area, batch.length).slice());
  kernels.free(area);
  return tables && rows;
}

/** Rebuilds and binds what comes of it, which must succeed without more ado. */
function rebuilt(schema: Schema, points: readonly Point[], strict = false) {
  const made = rebuild(schema, batchOf(points), "db", "rp", strict);
  const area = kernels.alloc(made.batch.length);
  kernels.put(area, made.batch);
  const tables = bind(kernels, schema, area, "db", "rp", strict);
  kernels.free(area);
  expect(tables).not.toBeNull();
  return { ...made, kept: rowsOf(made.batch) };
}

// value, its type, the field's type -> the stored value, undefined = refused
const edges: [FieldValue, FieldType, FieldType, FieldValue | undefined][] = [
  [3, Float, Integer, 3n],
  [-3, Float, Integer, -3n],
  [3.5, Float, Integer, undefined],
  [5e-324, Float, Integer, undefined],
  [0, Float, Integer, 0n],
  [-0, Float, Integer, 0n],
  [-0, Float, Unsigned, 0n],
  [2 ** 53, Float, Integer, 2n ** 53n],
  [2 ** 53 + 2, Float, Integer, 2n ** 53n + 2n],
  [-(2 ** 53) - 2, Float, Integer, -(2n ** 53n) - 2n],
  [2 ** 63 - 1024, Float, Integer, 2n ** 63n - 1024n],
  [2 ** 63, Float, Integer, undefined],
  [-(2 ** 63), Float, Integer, -(2n ** 63n)],
  [-(2 ** 63) - 2048, Float, Integer, undefined],
  [1.7976931348623157e308, Float, Integer, undefined],
  [2 ** 63, Float, Unsigned, 2n ** 63n],
  [2 ** 64 - 2048, Float, Unsigned, 2n ** 64n - 2048n],
  [2 ** 64, Float, Unsigned, undefined],
  [-1, Float, Unsigned, undefined],
  [2 ** 32, Float, Unsigned, 2n ** 32n],
  [2 ** 32 - 1, Float, Integer, 2n ** 32n - 1n],
  [-(2 ** 32), Float, Integer, -(2n ** 32n)],
  [-(2 ** 32) - 1, Float, Integer, -(2n ** 32n) - 1n],
  [0n, Integer, Float, 0],
  [-1n, Integer, Float, -1],
  [2n ** 32n, Integer, Float, 2 ** 32],
  [2n ** 53n, Integer, Float, 2 ** 53],
  [2n ** 53n + 1n, Integer, Float, undefined],
  [-(2n ** 53n) - 1n, Integer, Float, undefined],
  [2n ** 53n + 2n, Integer, Float, 2 ** 53 + 2],
  [2n ** 62n, Integer, Float, 2 ** 62],
  [2n ** 63n - 1n, Integer, Float, undefined],
  [2n ** 63n - 1024n, Integer, Float, 2 ** 63 - 1024],
  [-(2n ** 63n), Integer, Float, -(2 ** 63)],
  [-(2n ** 63n) + 1n, Integer, Float, undefined],
  [2n ** 63n, Unsigned, Float, 2 ** 63],
  [2n ** 64n - 1n, Unsigned, Float, undefined],
  [2n ** 64n - 2048n, Unsigned, Float, 2 ** 64 - 2048],
  [5n, Integer, Unsigned, 5n],
  [-1n, Integer, Unsigned, undefined],
  [-(2n ** 63n), Integer, Unsigned, undefined],
  [2n ** 63n - 1n, Integer, Unsigned, 2n ** 63n - 1n],
  [2n ** 63n - 1n, Unsigned, Integer, 2n ** 63n - 1n],
  [2n ** 63n, Unsigned, Integer, undefined],
  [true, Bool, Float, undefined],
  [true, Bool, Text, undefined],
  [1n, Integer, Bool, undefined],
  [1, Float, Text, undefined],
  ["1", Text, Float, undefined],
  ["1", Text, Integer, undefined],
  ["true", Text, Bool, undefined],
];

describe("a value in a field of another type", () => {
  for (const [value, type, wanted, stored] of edges) {
    const shown = Object.is(value, -0) ? "-0" : String(value);
    test(`${shown} of type ${type} into ${wanted}: ${stored === undefined ? "refused" : stored}`, () => {
      const points = [{ fields: [["v", value, type]] }] as const;
      const rows = bound(schemaOf({ v: wanted }), points);
      const again = rebuilt(schemaOf({ v: wanted }), points);
      if (stored === undefined) {
        expect(rows).toBeNull();
        expect(again).toMatchObject({ rows: 0, dropped: 1, kept: [] });
        return;
      }
      expect(rows).toEqual([{ key: "m", time: 0, values: { v: [wanted, stored] } }]);
      expect(again).toMatchObject({ rows: 1, dropped: 0, errors: [], kept: rows! });
    });
  }

  const numbers: Record<1 | 2 | 3, fc.Arbitrary<FieldValue>> = {
    [Float]: fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.bigInt(-(2n ** 64n), 2n ** 65n).map(Number),
      fc.integer(),
    ),
    [Integer]: fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-(2n ** 54n), 2n ** 54n)),
    [Unsigned]: fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 54n)),
  };
  const type = fc.constantFrom(Float, Integer, Unsigned);

  test("is the same number afterwards, in place and rebuilt, or in neither", () => {
    const column = type.chain((type) =>
      fc.record({ type: fc.constant(type), values: fc.array(numbers[type], { minLength: 1, maxLength: 4 }) }),
    );
    fc.assert(
      fc.property(column, type, ({ type, values }, wanted) => {
        const points = values.map((value) => ({ fields: [["v", value, type]] as const }));
        const rows = bound(schemaOf({ v: wanted }), points);
        const { kept, dropped } = rebuilt(schemaOf({ v: wanted }), points);
        expect(rows !== null).toBe(dropped === 0);
        if (rows) expect(rows).toEqual(kept);
        for (const { time, values: stored } of kept) {
          const [storedType, number] = stored["v"]!;
          expect(storedType).toBe(wanted);
          expect(typeof number).toBe(wanted === Float ? "number" : "bigint");
          // == compares a bigint and a number by their exact values
          // biome-ignore lint/suspicious/noDoubleEquals: meant
          expect((number as unknown) == values[time]).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a batch", () => {
  test("whose last column does not fit is rebuilt with the columns before it, which were converted already", () => {
    const points = [
      {
        fields: [
          ["a", 1n, Integer],
          ["b", 1.5, Float],
        ],
      },
      {
        fields: [
          ["a", 2n, Integer],
          ["b", 2, Float],
        ],
      },
    ] as const;
    const schema = schemaOf({ a: Float, b: Integer });
    const batch = batchOf(points);
    const area = kernels.alloc(batch.length);
    kernels.put(area, batch);
    expect(bind(kernels, schema, area, "db", "rp", false)).toBeNull();
    const made = rebuild(schema, kernels.view(area, batch.length), "db", "rp", false);
    kernels.free(area);
    expect(made.dropped).toBe(1);
    expect(rowsOf(made.batch)).toEqual([{ key: "m", time: 1, values: { a: [Float, 2], b: [Integer, 2n] } }]);
  });

  test("with two types of a new field takes the first row's, and the rows that fit it", () => {
    const points = [
      { fields: [["v", 1.5, Float]] },
      { fields: [["v", 2n, Integer]] },
      {
        fields: [
          ["v", "x", Text],
          ["w", true, Bool],
        ],
      },
      { fields: [["w", 7n, Integer]] },
    ] as const;
    const schema = schemaOf();
    expect(bound(schema, points)).toBeNull();
    expect(typesIn(schema)).toEqual({});
    const { kept, dropped, errors } = rebuilt(schema, points);
    expect(kept.map(({ time, values }) => [time, values])).toEqual([
      [0, { v: [Float, 1.5] }],
      [1, { v: [Float, 2] }],
      [3, { w: [Integer, 7n] }], // the refused row's `w` decided nothing
    ]);
    expect(dropped).toBe(1);
    expect(errors).toEqual([
      {
        reason:
          'field type conflict: input field "v" on measurement "m" is type string, already exists as type float',
        table: 0,
        row: 2,
      },
    ]);
    expect(typesIn(schema)).toEqual({ v: Float, w: Integer });
  });

  test("is refused point by point, the reasons once each, with their other fields", () => {
    const points = [
      {
        fields: [
          ["v", 1n, Integer],
          ["w", 1, Float],
        ],
        tags: { host: "a,b" },
      },
      {
        fields: [
          ["v", "x", Text],
          ["w", 1, Float],
        ],
      },
      { fields: [["v", "y", Text]] },
      { fields: [["v", true, Bool]] },
      { fields: [["v", 2.5, Float]], measurement: "other" },
    ] as const;
    const { kept, dropped, errors } = rebuilt(schemaOf({ v: Float }), points);
    expect(dropped).toBe(3);
    expect(kept).toEqual([
      { key: "m,host=a\\,b", time: 0, values: { v: [Float, 1], w: [Float, 1] } },
      { key: "other", time: 4, values: { v: [Float, 2.5] } },
    ]);
    expect(errors).toEqual([
      {
        reason:
          'field type conflict: input field "v" on measurement "m" is type string, already exists as type float',
        table: 0,
        row: 1,
      },
      {
        reason:
          'field type conflict: input field "v" on measurement "m" is type boolean, already exists as type float',
        table: 0,
        row: 3,
      },
    ]);
  });

  test("under strict types has every point of another type refused, those of the right type kept", () => {
    const points = [{ fields: [["v", 1n, Integer]] }, { fields: [["v", 2, Float]] }] as const;
    const schema = schemaOf({ v: Float });
    expect(bound(schema, points.slice(0, 1), true)).toBeNull();
    expect(bound(schema, points.slice(1), true)).not.toBeNull();
    const { kept, errors } = rebuilt(schema, points, true);
    expect(kept).toEqual([{ key: "m", time: 1, values: { v: [Float, 2] } }]);
    expect(errors).toEqual([
      {
        reason:
          'field type conflict: input field "v" on measurement "m" is type integer, already exists as type float',
        table: 0,
        row: 0,
      },
    ]);
  });

  test("of the log loses only the values that do not fit, and a point when it has no others", () => {
    const points = [
      {
        fields: [
          ["v", 1.5, Float],
          ["w", 1, Float],
        ],
      },
      { fields: [["v", 2.5, Float]] },
      { fields: [["w", 2, Float]] },
    ] as const;
    const made = rebuild(schemaOf({ v: Integer }), batchOf(points), "db", "rp", false, null, true);
    expect([made.rows, made.dropped, made.errors]).toEqual([2, 0, []]);
    expect(rowsOf(made.batch).map(({ time, values }) => [time, values])).toEqual([
      [0, { w: [Float, 1] }],
      [2, { w: [Float, 2] }],
    ]);
  });

  test("that does not fit defines nothing, of none of its tables", () => {
    const schema = schemaOf({ v: Float });
    const points = [
      { fields: [["new", 1, Float]], measurement: "first" },
      {
        fields: [
          ["v", "x", Text],
          ["new", 1, Float],
        ],
      },
    ] as const;
    expect(bound(schema, points)).toBeNull();
    expect(typesIn(schema, "first")).toEqual({});
    expect(typesIn(schema)).toEqual({ v: Float });
  });

  test("keeps a byte order mark in names and values: they are other names and other values without", () => {
    const mark = "\ufeff";
    const points = [
      {
        measurement: `${mark}m`,
        tags: { [`${mark}t`]: `${mark}x` },
        fields: [[`${mark}v`, `${mark}s`, Text]],
      },
      { fields: [["v", 1, Float]] },
      { fields: [["v", "x", Text]] },
    ] as const;
    const { batch } = rebuild(schemaOf(), batchOf(points), "db", "rp", false);
    expect(batch).toEqual(batchOf(points.slice(0, 2)));
    const schema = schemaOf();
    expect(bound(schema, points.slice(0, 2))).not.toBeNull();
    expect(typesIn(schema)).toEqual({ v: Float });
    expect(typesIn(schema, `${mark}m`)).toEqual({ [`${mark}v`]: Text });
  });

  test("with tags that are no UTF-8 keeps their bytes", () => {
    const lines = Buffer.from("m,\xff=1,\xfe=2 v=1 1\nm,a=1 v=2i 2\nm,a=1 v=t 3\n", "latin1");
    const parsed = new LineParser(kernels).parse(lines, { database: "db", nowNs: 0n });
    const bytes = kernels.view(parsed.batch, parsed.batchBytes).slice();
    parsed.free();
    const { batch, errors, dropped } = rebuild(schemaOf(), bytes, "db", "rp", false);
    const [first, second] = rowsOf(batch);
    expect(first).toMatchObject({ time: 1, values: { v: [Float, 1] } });
    expect(second).toEqual({ key: "m,a=1", time: 2, values: { v: [Float, 2] } });
    const keys = openBatch(batch).tables.map((table) => Buffer.from(table.seriesKey(0)).toString("latin1"));
    expect(keys).toEqual(["m,\xfe=2,\xff=1"]);
    expect(dropped).toBe(1);
    expect(errors).toEqual([
      {
        reason:
          'field type conflict: input field "v" on measurement "m" is type boolean, already exists as type float',
        table: 0,
        row: 2,
      },
    ]);
  });
});

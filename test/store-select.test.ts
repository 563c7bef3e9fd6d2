// Which series satisfy a condition: the tag index and its set operations against a look at every series and row.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Kernels } from "../src/kernels/kernels.ts";
import { evaluate } from "../src/model/evaluate.ts";
import type { BinaryOperator, Expression, Reference } from "../src/model/expression.ts";
import { RegexCache } from "../src/model/regex.ts";
import { encodeSeriesKey } from "../src/model/serieskey.ts";
import { FieldType } from "../src/model/types.ts";
import { Catalog } from "../src/store/catalog.ts";
import { Schema } from "../src/store/schema.ts";
import { SeriesSelector } from "../src/store/select.ts";
import { StoreSource } from "../src/store/source.ts";
import type { Store } from "../src/store/store.ts";
import { TagColumns } from "../src/store/tag-columns.ts";

const kernels = new Kernels();
afterAll(() => expect(kernels.usedBytes).toBe(0));

type Tags = Readonly<Record<string, string>>;

/** A catalog with series of tables, in order of their ids. */
class Fixture {
  readonly schema = new Schema();
  readonly catalog: Catalog;
  readonly #record: number;
  readonly #series: { table: number; tags: Tags }[] = [];

  constructor() {
    this.#record = kernels.alloc(64);
    kernels.bytes.fill(0, this.#record, this.#record + 64);
    this.catalog = new Catalog(kernels, this.schema, this.#record);
  }

  add(table: number, tags: Tags): void {
    const key = encodeSeriesKey(
      `m${table}`,
      Object.entries(tags).map(([key, value]) => ({ key, value })),
    );
    const at = kernels.alloc(key.length + 16);
    kernels.put(at, key);
    const hash = Bun.hash.xxHash64(key) as bigint;
    const id = kernels.call.catalogAdd(this.#record, hash, table, at, key.length) >>> 0;
    kernels.free(at);
    this.#series[id] = { table, tags };
  }

  drop(table: number): void {
    this.catalog.drop(new Set([table]));
    for (const series of this.#series) if (series.table === table) series.table = -1;
  }

  /** One that is there. */
  dropSeries(place: number): void {
    const there = [...this.#series.keys()].filter((id) => this.#series[id]!.table !== -1);
    const id = there[place % there.length];
    if (id === undefined) return;
    this.catalog.dropSeries([id]);
    this.#series[id]!.table = -1;
  }

  /** Ids and tags of a table's series. */
  seriesOf(table: number): [id: number, tags: Tags][] {
    return [...this.#series.entries()].flatMap(([id, series]) =>
      series.table === table ? [[id, series.tags] as [number, Tags]] : [],
    );
  }

  select<T>(ask: (selector: SeriesSelector) => T): T {
    const selector = new SeriesSelector(kernels, this.catalog);
    try {
      return ask(selector);
    } finally {
      selector.close();
    }
  }

  close(): void {
    this.catalog.close();
    kernels.free(this.#record);
  }
}

const tag = (name: string): Reference => ({ kind: "tag", name });
const text = (value: string): Expression => ({ kind: "string", value });
const binary = (left: Expression, operator: BinaryOperator, right: Expression): Expression => ({
  ...{ kind: "binary", operator, left, right },
});
const regex = (operand: Expression, pattern: string, negated = false): Expression => ({
  ...{ kind: "regex", operand, pattern, negated },
});

const names = ["a", "b", "k=v", "x,y z", "\\w", "a\\,b"] as const;
const values = ["1", "2", "eu west", "a,b", "=", "\\,", "x\\\\ y", "é", "\ufeff", "\ufeffq"] as const;
const name = fc.constantFrom(...names);
const value = fc.constantFrom("", ...values);
const tagsOf = fc
  .dictionary(name, fc.constantFrom(...values), { maxKeys: 4 })
  .map((tags): Tags => ({ ...tags }));
const series = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), tagsOf), { maxLength: 30 });

const pattern = fc.constantFrom("", "^$", "1", "^[12]$", ".", "^a", "\\\\", "é|=", "q$", "^\ufeff");
const comparison = fc.constantFrom<BinaryOperator>("=", "!=", "=", "!=", "<", ">=");
// (no series can have the last two, whose texts are those of a table and of the key "k=v")
const tagOperand = fc.constantFrom(...names, "", "k\\").map(tag);
const stringOperand = value.map(text);
const tagLeaf: fc.Arbitrary<Expression> = fc.oneof(
  fc.tuple(tagOperand, comparison, stringOperand).map(([l, o, r]) => binary(l, o, r)),
  fc.tuple(stringOperand, comparison, tagOperand).map(([l, o, r]) => binary(l, o, r)),
  fc.tuple(tagOperand, comparison, tagOperand).map(([l, o, r]) => binary(l, o, r)),
  fc.tuple(tagOperand, pattern, fc.boolean()).map(([l, p, n]) => regex(l, p, n)),
  fc
    .tuple(tagOperand, tagOperand, comparison, value)
    .map(([l, r, o, v]) => binary(binary(l, "+", r), o, text(v))),
  fc.constantFrom<Expression>({ kind: "boolean", value: true }, { kind: "boolean", value: false }),
  fc.tuple(tagOperand, comparison).map(([l, o]) => binary(l, o, { kind: "integer", value: 1n })),
);
const field = (fieldName: string, type: FieldType): Reference => ({ kind: "field", name: fieldName, type });
const fieldLeaf: fc.Arbitrary<Expression> = fc.oneof(
  comparison.map((o) => binary(field("f", FieldType.Float), o, { kind: "float", value: 1 })),
  fc.tuple(tagOperand, comparison).map(([l, o]) => binary(l, o, field("s", FieldType.String))),
  fc.tuple(comparison, value).map(([o, v]) => binary(field("s", FieldType.String), o, text(v))),
  fc.constant<Expression>(field("b", FieldType.Boolean)),
);

function condition(leaf: fc.Arbitrary<Expression>): fc.Arbitrary<Expression> {
  const { node } = fc.letrec<{ node: Expression }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc
        .tuple(tie("node"), fc.constantFrom<BinaryOperator>("and", "or"), tie("node"))
        .map(([l, o, r]) => binary(l, o, r)),
      fc.tuple(tie("node"), fc.boolean()).map(([l, value]) => binary(l, "=", { kind: "boolean", value })),
    ),
  }));
  return node;
}

const regexes = new RegexCache();
const rows: Readonly<Record<string, number | string | boolean>>[] = [
  {},
  { f: 1 },
  { f: 2, s: "1", b: true },
  { s: "a,b", b: false },
  { f: 0, s: "" },
];
const holds = (where: Expression, tags: Tags, row: (typeof rows)[number]) =>
  evaluate(
    where,
    ({ kind, name }) =>
      kind === "tag" ? (Object.hasOwn(tags, name) ? tags[name]! : "") : (row[name] ?? null),
    regexes,
  ) === true;

function filled(list: readonly (readonly [number, Tags])[]): Fixture {
  const fixture = new Fixture();
  for (const [table, tags] of list) fixture.add(table, tags);
  return fixture;
}

describe("select", () => {
  test("by tags alone gives the series for which the condition is true", () => {
    fc.assert(
      fc.property(series, condition(tagLeaf), (list, where) => {
        const fixture = filled(list);
        for (const table of [0, 1]) {
          const { ids, residuals } = fixture.select((selector) => selector.select(table, where));
          expect(residuals).toBeNull();
          expect([...ids]).toEqual(
            fixture.seriesOf(table).flatMap(([id, tags]) => (holds(where, tags, {}) ? [id] : [])),
          );
        }
        fixture.close();
      }),
      { numRuns: 500 },
    );
  });

  test("by tags and fields leaves a residual that is true in the same rows, and no series without such", () => {
    fc.assert(
      fc.property(series, condition(fc.oneof(tagLeaf, fieldLeaf)), (list, where) => {
        const fixture = filled(list);
        const { ids, residuals } = fixture.select((selector) => selector.select(0, where));
        expect([...ids]).toEqual([...ids].toSorted((a, b) => a - b));
        for (const [id, tags] of fixture.seriesOf(0)) {
          const place = ids.indexOf(id);
          const residual = residuals?.[place] ?? null;
          for (const row of rows) {
            // what is left needs no tags
            const stays = place >= 0 && (residual === null || holds(residual, {}, row));
            expect(stays).toBe(holds(where, tags, row));
          }
        }
        fixture.close();
      }),
      { numRuns: 500 },
    );
  });

  const list = [
    [0, { a: "1", b: "2" }],
    [0, { a: "2" }],
    [0, { b: "2" }],
    [0, {}],
    [0, { a: "2", b: "2" }],
    [1, { a: "1" }],
  ] as const satisfies [number, Tags][];
  const examples: [what: string, where: Expression, ids: number[]][] = [
    ["a = '1'", binary(tag("a"), "=", text("1")), [0]],
    ["'1' = a", binary(text("1"), "=", tag("a")), [0]],
    ["a != '1', without a as well", binary(tag("a"), "!=", text("1")), [1, 2, 3, 4]],
    ["a = '', without a", binary(tag("a"), "=", text("")), [2, 3]],
    ["a != '', with an a", binary(tag("a"), "!=", text("")), [0, 1, 4]],
    ["a = 'none'", binary(tag("a"), "=", text("none")), []],
    ["c = '', a tag that no series has", binary(tag("c"), "=", text("")), [0, 1, 2, 3, 4]],
    ["c != 'x'", binary(tag("c"), "!=", text("x")), [0, 1, 2, 3, 4]],
    ["a =~ /1|2/", regex(tag("a"), "1|2"), [0, 1, 4]],
    ["a =~ /^$/, without a", regex(tag("a"), "^$"), [2, 3]],
    ["a !~ /1/, without a as well", regex(tag("a"), "1", true), [1, 2, 3, 4]],
    ["a !~ /./, without a", regex(tag("a"), ".", true), [2, 3]],
    ["a = b, both absent too", binary(tag("a"), "=", tag("b")), [3, 4]],
    ["a != b", binary(tag("a"), "!=", tag("b")), [0, 1, 2]],
    [
      "a = '1' OR b = ''",
      binary(binary(tag("a"), "=", text("1")), "or", binary(tag("b"), "=", text(""))),
      [0, 1, 3],
    ],
    [
      "a = '2' AND b = '2'",
      binary(binary(tag("a"), "=", text("2")), "and", binary(tag("b"), "=", text("2"))),
      [4],
    ],
    ["true", { kind: "boolean", value: true }, [0, 1, 2, 3, 4]],
    ["'a' = 'b'", binary(text("a"), "=", text("b")), []],
  ];
  for (const [what, where, ids] of examples) {
    test(what, () => {
      const fixture = filled(list);
      expect([...fixture.select((selector) => selector.select(0, where)).ids]).toEqual(ids);
      fixture.close();
    });
  }

  test("tag keys are those of the series that are there, also when as many went as came", () => {
    const fixture = new Fixture();
    const keys = () => fixture.select((selector) => selector.tagKeys(0)).sort();
    fixture.add(0, { a: "1", b: "2" });
    expect(keys()).toEqual(["a", "b"]);
    fixture.add(0, { c: "1" });
    expect(keys()).toEqual(["a", "b", "c"]);
    fixture.catalog.dropSeries([0]);
    fixture.add(0, { d: "1", e: "1" });
    expect(keys()).toEqual(["c", "d", "e"]);
    fixture.drop(0);
    fixture.add(0, { f: "1", g: "1", h: "1" });
    expect(keys()).toEqual(["f", "g", "h"]);
    fixture.close();
  });

  test("a source's tag keys are those of now, whatever it was asked before", async () => {
    const fixture = new Fixture();
    const measurement = fixture.schema.measurement("d", "m0");
    fixture.schema.table(measurement, "r");
    const source = new StoreSource(kernels, fixture.schema, [{ catalog: fixture.catalog } as Store]);
    const keys = () => source.tagKeys("d", "m0", null);
    expect([await keys(), await source.tagKeys("d", "other", null)]).toEqual([[], []]);
    fixture.add(0, { b: "1", a: "2" });
    expect([await keys(), await keys()]).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    fixture.add(0, { c: "1" });
    expect(await keys()).toEqual(["a", "b", "c"]);
    fixture.catalog.dropSeries([0]);
    expect(await keys()).toEqual(["c"]);
    fixture.drop(0);
    fixture.add(0, { d: "1" });
    expect(await keys()).toEqual(["d"]);
    fixture.close();
  });

  test("a condition may name more text than an area holds", () => {
    const fixture = new Fixture();
    const values = Array.from({ length: 200 }, (_, i) => `${i}`.padEnd(1000, "x"));
    for (const value of values) fixture.add(0, { a: value });
    const where = values
      .map((value) => binary(tag("a"), "=", text(value)))
      .reduce((a, b) => binary(a, "or", b));
    expect([...fixture.select((selector) => selector.select(0, where)).ids]).toEqual(values.map((_, i) => i));
    fixture.close();
  });

  test("sees series that came since, and dropped ones no more", () => {
    const fixture = filled(list);
    const where = binary(tag("a"), "=", text("1"));
    const ask = (table: number) => [...fixture.select((selector) => selector.select(table, where)).ids];
    expect([ask(0), ask(1)]).toEqual([[0], [5]]);
    fixture.add(0, { a: "1", c: "new" });
    expect([ask(0), ask(1)]).toEqual([[0, 6], [5]]);
    fixture.drop(0);
    expect([ask(0), ask(1)]).toEqual([[], [5]]);
    fixture.add(0, { a: "1", b: "2" });
    expect([ask(0), ask(1)]).toEqual([[7], [5]]);
    fixture.close();
  });
});

test("tag keys, their values, the series of each, and the values of series: unescaped", () => {
  fc.assert(
    fc.property(series, (list) => {
      const fixture = filled(list);
      fixture.select((selector) => {
        for (const table of [0, 1]) {
          const all = fixture.seriesOf(table);
          const ids = Uint32Array.from(all, ([id]) => id);
          expect([...selector.select(table, null).ids]).toEqual([...ids]);
          const keys = new Set(all.flatMap(([, tags]) => Object.keys(tags)));
          expect(selector.tagKeys(table).sort()).toEqual([...keys].sort());
          for (const key of names) {
            const own = all.map(([, tags]) => tags[key] ?? "");
            const distinct = [...new Set(own)].filter((value) => value !== "");
            expect(selector.tagValues(table, key).sort()).toEqual(distinct.sort());
            expect(selector.valuesOf(table, ids, key)).toEqual(own);
          }
        }
      });
      fixture.close();
    }),
    { numRuns: 200 },
  );
});

test("the values of series are those of now, whatever was asked before", () => {
  type Step = readonly ["add", number, Tags] | readonly ["drop", number] | readonly ["drop series", number];
  const table = fc.integer({ min: 0, max: 1 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constant("add" as const), table, tagsOf) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("drop" as const), table) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("drop series" as const), fc.nat(30)) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const fixture = new Fixture();
      for (const each of steps) {
        if (each[0] === "add") fixture.add(each[1], each[2]);
        else if (each[0] === "drop") fixture.drop(each[1]);
        else fixture.dropSeries(each[1]);
        fixture.select((selector) => {
          for (const own of [0, 1])
            for (const key of names) {
              const all = fixture.seriesOf(own);
              const valuesOf = (some: typeof all) =>
                selector.valuesOf(
                  own,
                  Uint32Array.from(some, ([id]) => id),
                  key,
                );
              for (const some of [all, all.slice(1)])
                expect(valuesOf(some)).toEqual(some.map(([, tags]) => tags[key] ?? ""));
            }
        });
      }
      fixture.close();
    }),
    { numRuns: 200 },
  );
});

describe("columns of tags", () => {
  const columnOf = (size: number) => Array.from({ length: size }, (_, i) => `${i}`);
  /** Which of the columns, each of so many values, are read when all are asked for once more. */
  const readAgain = (sizes: readonly number[], changes = 0) => {
    const columns = new TagColumns();
    for (const [i, size] of sizes.entries()) columns.of(i, "a", 0, () => columnOf(size));
    const read: number[] = [];
    for (const [i, size] of sizes.entries()) {
      const column = columns.of(i, "a", changes, () => {
        read.push(i);
        return columnOf(size);
      });
      expect(column.length).toBe(size);
    }
    return read;
  };

  test("are kept until a series comes or goes", () => {
    expect(readAgain([10, 20])).toEqual([]);
    expect(readAgain([10, 20], 1)).toEqual([0, 1]);
  });

  test("that are longer than what is kept leave the others there", () => {
    expect(readAgain([10, 100_000, 20])).toEqual([1]);
  });

  test("of tags that no series has are not kept", () => {
    const columns = new TagColumns();
    let reads = 0;
    for (const column of [[], [], ["", ""], ["", ""], ["", "x"], ["", "x"]])
      columns.of(column.length, column.join("") || "none", 0, () => {
        reads++;
        return column;
      });
    expect(reads).toBe(5);
  });

  test("make room for others", () => {
    expect(readAgain([5000, 5000])).toEqual([0, 1]);
  });
});

// Conditions: reducing by tags and filtering columns must mean what evaluate() says, row by row.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { evaluate, type Scalar } from "../src/model/evaluate.ts";
import type { Binary, BinaryOperator, Expression } from "../src/model/expression.ts";
import { filterRows, scalarAt } from "../src/model/filter.ts";
import { fieldsOf, reduce, separate, tagsOf } from "../src/model/predicate.ts";
import { RegexCache } from "../src/model/regex.ts";
import type { Column } from "../src/model/scan.ts";
import { FieldType } from "../src/model/types.ts";

const field = (name: string, type: FieldType): Expression => ({ kind: "field", name, type });
const tag = (name: string): Expression => ({ kind: "tag", name });
const float = (value: number): Expression => ({ kind: "float", value });
const integer = (value: bigint): Expression => ({ kind: "integer", value });
const text = (value: string): Expression => ({ kind: "string", value });
const binary = (operator: BinaryOperator, left: Expression, right: Expression): Binary => ({
  kind: "binary",
  operator,
  left,
  right,
});

const columns: Record<string, Column> = {
  f: { type: FieldType.Float, values: new Float64Array([1, 2.5, -3, 0, NaN, 7]), present: null },
  n: {
    type: FieldType.Integer,
    values: new BigInt64Array([1n, -2n, 2n ** 53n + 1n, -(2n ** 63n), 0n, 2n ** 63n - 1n]),
    present: new Uint8Array([1, 1, 1, 1, 0, 1]),
  },
  u: {
    type: FieldType.Unsigned,
    values: new BigUint64Array([1n, 2n ** 64n - 1n, 0n, 5n, 2n ** 53n, 3n]),
    present: null,
  },
  b: {
    type: FieldType.Boolean,
    values: new Uint8Array([1, 0, 0, 1, 1, 0]),
    present: new Uint8Array([1, 1, 0, 1, 1, 1]),
  },
  s: { type: FieldType.String, values: ["a", "b", "", "ab", "a", "z"], present: null },
};
const rows = { rowCount: 6, column: (name: string) => columns[name] ?? null };
const tags: Record<string, string> = { host: "a", region: "" };

/** The rows of `columns` that satisfy a condition, by the reference semantics. */
function kept(condition: Expression): number[] {
  const regexes = new RegexCache();
  const mask: number[] = [];
  for (let row = 0; row < rows.rowCount; row++) {
    const value = evaluate(
      condition,
      (reference): Scalar =>
        reference.kind === "tag" ? (tags[reference.name] ?? "") : scalarAt(rows.column(reference.name), row),
      regexes,
    );
    mask.push(value === true ? 1 : 0);
  }
  return mask;
}

const masked = (condition: Expression): number[] => [...filterRows(condition, rows)];

test("comparisons of every column type with a constant", () => {
  expect(masked(binary(">", field("f", FieldType.Float), float(0.5)))).toEqual([1, 1, 0, 0, 0, 1]);
  expect(masked(binary("<", float(0.5), field("f", FieldType.Float)))).toEqual([1, 1, 0, 0, 0, 1]);
  expect(masked(binary(">=", field("n", FieldType.Integer), integer(1n)))).toEqual([1, 0, 1, 0, 0, 1]);
  expect(masked(binary("<", field("n", FieldType.Integer), float(0.5)))).toEqual([0, 1, 0, 1, 0, 0]);
  expect(masked(binary("=", field("n", FieldType.Integer), integer(2n ** 53n + 1n)))).toEqual([
    0, 0, 1, 0, 0, 0,
  ]);
  expect(masked(binary("=", field("n", FieldType.Integer), integer(2n ** 53n)))).toEqual([0, 0, 0, 0, 0, 0]);
  expect(masked(binary(">", field("u", FieldType.Unsigned), integer(4n)))).toEqual([0, 1, 0, 1, 1, 0]);
  expect(masked(binary("=", field("b", FieldType.Boolean), { kind: "boolean", value: false }))).toEqual([
    0, 1, 0, 0, 0, 1,
  ]);
  expect(masked(field("b", FieldType.Boolean))).toEqual([1, 0, 0, 1, 1, 0]);
  expect(masked(binary("!=", field("s", FieldType.String), text("a")))).toEqual([0, 1, 1, 1, 0, 1]);
  const regex: Expression = {
    kind: "regex",
    operand: field("s", FieldType.String),
    pattern: "^a",
    negated: false,
  };
  expect(masked(regex)).toEqual([1, 0, 0, 1, 1, 0]);
  expect(masked({ ...regex, negated: true })).toEqual([0, 1, 1, 0, 0, 1]);
});

test("an absent field satisfies no comparison, not even !=", () => {
  for (const operator of ["=", "!=", "<", "<=", ">", ">="] as const) {
    expect(masked(binary(operator, field("nope", FieldType.Float), float(1)))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(masked(binary(operator, field("n", FieldType.Integer), integer(0n)))[4]).toBe(0);
  }
});

test("arithmetic: integers stay integers, division by zero is zero", () => {
  const n = field("n", FieldType.Integer);
  expect(masked(binary("=", binary("/", n, integer(2n)), integer(-1n)))).toEqual([0, 1, 0, 0, 0, 0]);
  expect(masked(binary("=", binary("/", n, integer(0n)), integer(0n)))).toEqual([1, 1, 1, 1, 0, 1]);
  expect(masked(binary("=", binary("+", n, integer(1n)), integer(-(2n ** 63n))))).toEqual([0, 0, 0, 0, 0, 1]);
});

test("reduce puts tags in and decides what it can", () => {
  const host = binary("=", tag("host"), text("a"));
  const value = binary(">", field("f", FieldType.Float), float(1));
  const at = (name: string) => (key: string) => (key === "host" ? name : "");
  expect(reduce(binary("and", host, value), at("a"))).toEqual(value);
  expect(reduce(binary("and", value, host), at("b"))).toBe(false);
  expect(reduce(binary("or", value, host), at("a"))).toBe(true);
  expect(reduce(binary("or", host, value), at("b"))).toEqual(value);
  expect(reduce({ kind: "regex", operand: tag("host"), pattern: "^a|b$", negated: true }, at("c"))).toBe(
    true,
  );
  expect(reduce(binary("=", tag("region"), text("")), at("a"))).toBe(true);
  expect(reduce(text("a"), at("a"))).toBe(false);
  expect(tagsOf(binary("or", host, value))).toEqual(["host"]);
  expect(fieldsOf(binary("or", host, value))).toEqual(["f"]);
  expect(fieldsOf(null)).toEqual([]);
});

const leaf: fc.Arbitrary<Expression> = fc.oneof(
  fc.constantFrom(
    field("f", FieldType.Float),
    field("n", FieldType.Integer),
    field("u", FieldType.Unsigned),
    field("b", FieldType.Boolean),
    field("s", FieldType.String),
    field("nope", FieldType.Float),
    tag("host"),
    tag("region"),
  ),
  fc.constantFrom(float(1), float(2.5), float(-0), float(1e300), text("a"), text(""), text("b")),
  fc.constantFrom(integer(0n), integer(1n), integer(2n ** 53n), integer(2n ** 63n - 1n)),
  fc.boolean().map((value): Expression => ({ kind: "boolean", value })),
);
const operators: BinaryOperator[] = ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "&", "|", "^"];
const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.tuple(fc.constantFrom(...operators), leaf, leaf).map(([o, l, r]) => binary(o, l, r)),
    fc
      .tuple(fc.constantFrom<BinaryOperator>("and", "or"), tie("tree"), tie("tree"))
      .map(([o, l, r]) => binary(o, l, r)),
    fc.tuple(fc.constantFrom(...operators), tie("tree"), tie("tree")).map(([o, l, r]) => binary(o, l, r)),
    tie("tree").map((operand): Expression => ({ kind: "negate", operand })),
    fc
      .constantFrom("f", "nope")
      .map((name): Expression => ({ kind: "truncate", operand: field(name, FieldType.Float) })),
    fc
      .tuple(fc.constantFrom("abs" as const, "floor" as const, "sqrt" as const), tie("tree"))
      .map(([name, operand]): Expression => ({ kind: "math", function: name, operands: [operand] })),
    fc
      .tuple(tie("tree"), tie("tree"))
      .map((operands): Expression => ({ kind: "math", function: "pow", operands })),
    fc
      .tuple(leaf, fc.constantFrom("a", "^$", "b|z"), fc.boolean())
      .map(([operand, pattern, negated]): Expression => ({ kind: "regex", operand, pattern, negated })),
  ),
}));

test("separate: the parts together mean the whole, and the tags' part reads no field", () => {
  const host = binary("=", tag("host"), text("a"));
  const value = binary(">", field("f", FieldType.Float), float(1));
  const mixed = binary("or", host, value);
  expect(separate(binary("and", binary("and", host, value), mixed))).toEqual({
    tags: host,
    rows: binary("and", value, mixed),
  });
  fc.assert(
    fc.property(tree, (condition) => {
      const parts = separate(condition);
      expect(fieldsOf(parts.tags)).toEqual([]);
      const masks = [parts.tags, parts.rows].filter((part) => part !== null).map(kept);
      expect(masks.reduce((all, mask) => all.map((keep, row) => keep & mask[row]!))).toEqual(kept(condition));
    }),
    { numRuns: 1000 },
  );
});

test("reduce, then filter = evaluate", () => {
  fc.assert(
    fc.property(tree, (condition) => {
      const residual = reduce(condition, (name) => tags[name] ?? "");
      const mask =
        typeof residual === "boolean"
          ? new Array<number>(rows.rowCount).fill(residual ? 1 : 0)
          : masked(residual);
      expect(mask).toEqual(kept(condition));
    }),
    { numRuns: 4000 },
  );
});

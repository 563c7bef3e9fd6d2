// A row group is passed over only when no row of it satisfies the condition.
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { BinaryOperator, Expression, Literal } from "../src/model/expression.ts";
import { filterRows } from "../src/model/filter.ts";
import type { Column } from "../src/model/scan.ts";
import { FieldType } from "../src/model/types.ts";
import { mayHold, type ValueRange } from "../src/store/prune.ts";

const operators: BinaryOperator[] = ["=", "!=", "<", "<=", ">", ">="];
const numbers = [-3, -1, 0, 0.5, 1, 2, 2 ** 53, 2 ** 53 + 2];
const literal: fc.Arbitrary<Literal> = fc.oneof(
  fc.constantFrom(...numbers).map((value) => ({ kind: "float" as const, value })),
  fc.constantFrom(-1n, 0n, 2n, 2n ** 53n + 1n).map((value) => ({ kind: "integer" as const, value })),
  fc.constant({ kind: "string" as const, value: "a" }),
  fc.constant({ kind: "boolean" as const, value: true }),
);
const field = fc.constantFrom("a", "b", "none").map((name) => ({
  ...{ kind: "field" as const, name, type: name === "b" ? FieldType.Integer : FieldType.Float },
}));
const comparison = fc
  .tuple(fc.constantFrom(...operators), field, fc.oneof(literal, field), fc.boolean())
  .map(([operator, a, b, mirrored]): Expression => {
    return { kind: "binary", operator, left: mirrored ? b : a, right: mirrored ? a : b };
  });
const condition = fc.letrec<{ condition: Expression }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small" },
    comparison,
    fc
      .tuple(fc.constantFrom("and" as const, "or" as const), tie("condition"), tie("condition"))
      .map(([operator, left, right]): Expression => ({ kind: "binary", operator, left, right })),
  ),
})).condition;

function rangeOf(column: Column | null): ValueRange {
  if (column === null) return "none";
  const all = [...(column.values as Iterable<number | bigint>)];
  const min = all.reduce((a, b) => (b < a ? b : a));
  return { min, max: all.reduce((a, b) => (b > a ? b : a)) };
}

test("what is passed over has no row that the condition holds for; and something is", () => {
  let passedOver = 0;
  fc.assert(
    fc.property(
      condition,
      fc.array(fc.constantFrom(...numbers), { minLength: 1, maxLength: 3 }),
      fc.array(fc.constantFrom(-2n, 0n, 1n, 2n ** 53n + 1n), { minLength: 3, maxLength: 3 }),
      (where, floats, integers) => {
        const rowCount = floats.length;
        const columns: Record<string, Column> = {
          a: { type: FieldType.Float, present: null, values: Float64Array.from(floats) },
          b: {
            ...{ type: FieldType.Integer, present: null },
            values: BigInt64Array.from(integers.slice(0, rowCount)),
          },
        };
        const column = (name: string) => columns[name] ?? null;
        const holds = filterRows(where, { rowCount, column }).includes(1);
        const may = mayHold(where, (name) => rangeOf(column(name)));
        if (!may) passedOver++;
        if (holds) expect(may).toBe(true);
      },
    ),
    { numRuns: 5000 },
  );
  expect(passedOver).toBeGreaterThan(500);
});

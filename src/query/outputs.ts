// The expressions of the columns, compiled to closures over where the executor stands.
//
// Arithmetic is InfluxDB's: a missing operand makes the result missing, x / 0 is 0 (and integer % 0, but float % 0 is no number: null in the answer), integers are exact and
// wrap at 64 bits, an integer meeting a float becomes one.
import { assert } from "../base/assert.ts";
import { integerArithmetic } from "../model/integers.ts";
import { keepsType, mathematics } from "../model/mathematics.ts";
import { FieldType } from "../model/types.ts";
import type { SeriesBlock } from "./blocks.ts";
import { castCell, cellReader, exactly } from "./cells.ts";
import { wrap } from "./functions/aggregates.ts";
import type { Output, RowValue } from "./plan.ts";
import type { Cell } from "./result.ts";

/** Where evaluation stands: the values of calls, and a row of `blocks` when outputs read rows. */
export interface Position {
  readonly calls: Cell[];
  block: number;
  row: number;
}

export type Evaluate = (at: Position) => Cell;

/** Compiles a column. `blocks` are those that positions lead to; `fields` name their columns. */
export function compileOutput(
  output: Output,
  blocks: readonly SeriesBlock[],
  fields: readonly string[],
): Evaluate {
  switch (output.kind) {
    case "absent":
      return () => null;
    case "literal": {
      const value =
        typeof output.value === "bigint"
          ? exactly(Number(output.value), () => output.value as bigint)
          : output.value;
      return () => value;
    }
    case "call":
      return (at) => at.calls[output.call]!;
    case "row":
      return rowReader(output, blocks, fields);
    case "binary": {
      const left = compileOutput(output.left, blocks, fields);
      const right = compileOutput(output.right, blocks, fields);
      if (output.type === null) return () => null;
      const operate = operation(output.operator, output.type);
      return (at) => {
        const a = left(at);
        const b = right(at);
        return a === null || b === null ? null : operate(a, b);
      };
    }
    case "math":
      return mathOutput(output, blocks, fields);
  }
}

function mathOutput(
  output: Output & { kind: "math" },
  blocks: readonly SeriesBlock[],
  fields: readonly string[],
): Evaluate {
  const { type, operands } = output;
  if (type === null || operands.some((operand) => !isNumber(operand.type))) return () => null;
  const [first, second] = operands.map((operand) => compileOutput(operand, blocks, fields));
  assert(first !== undefined, "a function without operands");
  if (type !== FieldType.Float && keepsType(output.function)) {
    if (output.function !== "abs" || type !== FieldType.Integer) return first;
    return (at) => {
      const value = first(at) as number | bigint | null;
      if (value === null || value >= 0) return value;
      return typeof value === "number" ? -value : wrap(type, -value);
    };
  }
  const compute = mathematics(output.function);
  if (second === undefined) {
    return (at) => {
      const value = first(at);
      return value === null ? null : compute(Number(value), 0);
    };
  }
  return (at) => {
    const a = first(at);
    const b = second(at);
    return a === null || b === null ? null : compute(Number(a), Number(b));
  };
}

const isNumber = (type: FieldType | null): boolean =>
  type === FieldType.Float || type === FieldType.Integer || type === FieldType.Unsigned;

function rowReader(output: RowValue, blocks: readonly SeriesBlock[], fields: readonly string[]): Evaluate {
  const { reference } = output;
  if (reference.kind === "tag") {
    const values = new Array<string | null>(blocks.length);
    return (at) => {
      const { block } = at;
      values[block] ??= blocks[block]!.series.tags.get(reference.name) ?? null;
      return values[block];
    };
  }
  const column = fields.indexOf(reference.name);
  assert(column >= 0, `the plan does not read field ${reference.name}`);
  const readers: ((row: number) => Cell)[] = [];
  const { type } = output;
  return (at) => {
    readers[at.block] ??= cellReader(blocks[at.block]!.columns[column] ?? null);
    const cell = readers[at.block]!(at.row);
    return reference.type === type ? cell : castCell(cell, reference.type, type);
  };
}

type Operator = (Output & { kind: "binary" })["operator"];
type Operation = (a: NonNullable<Cell>, b: NonNullable<Cell>) => Cell;

function operation(operator: Operator, type: FieldType): Operation {
  if (type === FieldType.Float) {
    const operate = floatOperation(operator);
    return (a, b) => operate(Number(a), Number(b));
  }
  if (type === FieldType.Boolean) {
    if (operator === "&") return (a, b) => Boolean(a) && Boolean(b);
    if (operator === "|") return (a, b) => Boolean(a) || Boolean(b);
    if (operator === "^") return (a, b) => Boolean(a) !== Boolean(b);
  }
  return integerOperation(operator, type);
}

function floatOperation(operator: Operator): (a: number, b: number) => Cell {
  switch (operator) {
    case "+":
      return (a, b) => a + b;
    case "-":
      return (a, b) => a - b;
    case "*":
      return (a, b) => a * b;
    case "/":
      return (a, b) => (b === 0 ? 0 : a / b);
    case "%":
      return (a, b) => a % b;
    default:
      return () => null;
  }
}

function integerOperation(operator: Operator, type: FieldType): Operation {
  const exact = (a: NonNullable<Cell>, b: NonNullable<Cell>) =>
    wrap(type, integerArithmetic(operator, BigInt(a as number), BigInt(b as number)));
  if (operator === "+" || operator === "-" || operator === "*") {
    const approximate = floatOperation(operator) as (a: number, b: number) => number;
    return (a, b) => {
      if (typeof a === "number" && typeof b === "number") {
        const result = approximate(a, b) + 0; // an integer is never -0
        if (Number.isSafeInteger(result) && (type === FieldType.Integer || result >= 0)) return result;
      }
      return exact(a, b);
    };
  }
  return exact;
}

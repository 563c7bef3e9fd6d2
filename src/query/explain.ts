// EXPLAIN: a SelectPlan as an indented tree, one line a string; what a reader wants to know is whether rows are
// read or folded, in which range, and what each column is made of.
//
//   SELECT time, mean
//     time: 2024-01-10T00:00:00Z .. now, windows of 1m, fill(null)
//     group by: host
//     from cpu (db0.autogen): fold of usage [count sum]
//       where: region = 'eu'
//       mean = mean(usage::float)
import type { Expression } from "../model/expression.ts";
import { Fold } from "../model/scan.ts";
import { formatInstant } from "../model/timetext.ts";
import { fieldTypeNames, MAX_TIME, MIN_TIME } from "../model/types.ts";
import { hasExactCalls, isSketched } from "./calls.ts";
import { formatDuration } from "./duration.ts";
import type { Input, JoinRows, MeasurementRows, Output, RowValue, SelectPlan, SourcePart } from "./plan.ts";
import { printFill, quoteName, quoteString } from "./print.ts";

export function explain(plan: SelectPlan): string[] {
  const lines = [
    `SELECT ${plan.columns.map(({ name }) => quoteName(name)).join(", ")}`,
    `  time: ${times(plan)}`,
  ];
  if (plan.dimensions.length > 0) lines.push(`  group by: ${plan.dimensions.map(quoteName).join(", ")}`);
  if (plan.having !== null) lines.push(`  having: ${formatExpression(plan.having.condition)}`);
  const order = limits(plan);
  if (order.length > 0) lines.push(`  ${order.join(", ")}`);
  if (plan.inputs.length === 0) lines.push("  from nothing: no source has any of the fields");
  for (const input of plan.inputs) lines.push(...explainInput(plan, input).map((line) => `  ${line}`));
  return lines;
}

function times({ minTime, maxTime, window, fill, timezone }: SelectPlan): string {
  const from = minTime === MIN_TIME ? "the first row" : formatInstant(minTime);
  const to = maxTime === MAX_TIME ? "the last row" : formatInstant(maxTime);
  const parts = [`${from} .. ${to}`];
  if (window !== null) {
    const hasOffset = window.offsetNs !== 0n || window.offsetMonths !== 0;
    const offset = hasOffset ? ` offset by ${formatDuration(window.offsetNs, window.offsetMonths)}` : "";
    const zone = timezone === null ? "" : ` by the clock of ${timezone}`;
    const every =
      window.everyMonths > 0 ? formatDuration(0n, window.everyMonths) : formatDuration(window.everyNs);
    parts.push(`windows of ${every}${offset}${zone}`);
    parts.push(fill.kind === "number" ? `fill(${fill.value})` : printFill(fill));
  }
  return parts.join(", ");
}

function limits(plan: SelectPlan): string[] {
  const parts: string[] = [];
  if (plan.descending) parts.push("newest first");
  if (plan.limit > 0) parts.push(`limit ${plan.limit}`);
  if (plan.offset > 0) parts.push(`offset ${plan.offset}`);
  if (plan.seriesLimit > 0) parts.push(`series limit ${plan.seriesLimit}`);
  if (plan.seriesOffset > 0) parts.push(`series offset ${plan.seriesOffset}`);
  return parts;
}

function explainInput(plan: SelectPlan, input: Input): string[] {
  const { source } = input;
  const lines: string[] = [];
  if (source.kind === "measurement") {
    lines.push(`from ${formatMeasurement(source)}: ${access(input)}`);
  } else {
    for (const part of source.parts) lines.push(...explainPart(part, input));
  }
  if (input.where !== null) lines.push(`  where: ${formatExpression(input.where)}`);
  const columns = [...plan.columns, ...(plan.having?.hidden ?? [])];
  for (const [index, output] of input.outputs.entries()) {
    lines.push(`  ${quoteName(columns[index + 1]!.name)} = ${formatOutput(output, input)}`);
  }
  return lines;
}

function explainPart({ rows, where }: SourcePart, { fields }: Input): string[] {
  const lines =
    rows.kind === "measurement"
      ? [`from ${formatMeasurement(rows)}: scan of ${fields.map(quoteName).join(", ")}`]
      : rows.kind === "join"
        ? explainJoin(rows)
        : ["from a subquery:", ...explain(rows.plan).map((line) => `    ${line}`)];
  if (where !== null) lines.push(`  where: ${formatExpression(where)}`);
  return lines;
}

function explainJoin({ sides, keys }: JoinRows): string[] {
  const lines = [`from a join on ${["time", ...keys.map(quoteName)].join(", ")}:`];
  for (const [index, { alias, type, source }] of sides.entries()) {
    lines.push(`    ${quoteName(alias)}${index === 0 ? "" : `, ${type} join`}:`);
    for (const { rows } of source.parts)
      if (rows.kind === "subquery") lines.push(...explain(rows.plan).map((line) => `        ${line}`));
  }
  return lines;
}

function formatMeasurement({ measurement, database, retentionPolicy }: MeasurementRows): string {
  return `${quoteName(measurement)} (${quoteName(database)}.${quoteName(retentionPolicy)})`;
}

function access(input: Input): string {
  const sketched = input.calls.filter(isSketched);
  if (sketched.length === 0) return exactAccess(input);
  const names = new Set(
    sketched.map(({ argument }) =>
      argument.kind === "field" ? quoteName(argument.field.reference.name) : "",
    ),
  );
  const sketches = `scan of ${[...names].join(", ")} into sketches`;
  return hasExactCalls(input) ? `${exactAccess(input)}, ${sketches}` : sketches;
}

function exactAccess({ foldable, fields, calls }: Input): string {
  if (!foldable) return `scan of ${fields.map(quoteName).join(", ")}`;
  const read = (field: string) =>
    calls.some(
      (call) =>
        !isSketched(call) && call.argument.kind === "field" && call.argument.field.reference.name === field,
    );
  const bits = fields.filter(read).map((field) => {
    const keep = calls.reduce(
      (all, call) =>
        call.argument.kind === "field" && call.argument.field.reference.name === field
          ? all | call.fold
          : all,
      0,
    );
    const names = Object.entries(Fold).filter(([, bit]) => keep & bit);
    return `${quoteName(field)} [${names.map(([name]) => name.toLowerCase()).join(" ")}]`;
  });
  return `fold of ${bits.join(", ")}`;
}

function formatOutput(output: Output, input: Input): string {
  switch (output.kind) {
    case "absent":
      return "nothing: no such field or tag";
    case "literal":
      return typeof output.value === "string" ? quoteString(output.value) : String(output.value);
    case "row":
      return formatRow(output);
    case "binary":
      return `(${formatOutput(output.left, input)} ${output.operator} ${formatOutput(output.right, input)})`;
    case "call":
      return formatCall(output.call, input);
    case "math":
      return `${output.function}(${output.operands.map((each) => formatOutput(each, input)).join(", ")})`;
  }
}

function formatRow({ reference, type }: RowValue): string {
  return `${quoteName(reference.name)}::${reference.kind === "tag" ? "tag" : fieldTypeNames[type]}`;
}

function formatCall(index: number, input: Input): string {
  const call = input.calls[index]!;
  const { argument } = call;
  const first = argument.kind === "call" ? formatCall(argument.call, input) : formatRow(argument.field);
  const rest = [...call.distinctBy.map(({ name }) => quoteName(name)), ...call.parameters];
  return `${call.function}(${[first, ...rest].join(", ")})`;
}

/** A condition in the language it came from. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case "tag":
      return `${quoteName(expression.name)}::tag`;
    case "field":
      return `${quoteName(expression.name)}::${fieldTypeNames[expression.type]}`;
    case "string":
      return quoteString(expression.value);
    case "negate":
      return `-${formatExpression(expression.operand)}`;
    case "truncate":
      return `${formatExpression(expression.operand)}::integer`;
    case "regex": {
      const pattern = expression.pattern.replaceAll("/", "\\/");
      return `${formatExpression(expression.operand)} ${expression.negated ? "!~" : "=~"} /${pattern}/`;
    }
    case "binary": {
      const { operator, left, right } = expression;
      return `(${formatExpression(left)} ${operator.toUpperCase()} ${formatExpression(right)})`;
    }
    case "math":
      return `${expression.function}(${expression.operands.map(formatExpression).join(", ")})`;
    default:
      return String(expression.value);
  }
}

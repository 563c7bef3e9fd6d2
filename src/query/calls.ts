// What the calls of an input ask for: which of them columns use, over which windows, and whether folds answer them.
import { InputError } from "../base/errors.ts";
import { isFoldable } from "./folded-windows.ts";
import { functions } from "./functions.ts";
import {
  type Call,
  type Input,
  type Output,
  operandsOf,
  type RowValue,
  readsRow,
  type SelectPlan,
} from "./plan.ts";

/** Whether a call is answered from a sketch (sketches.ts). */
export function isSketched(call: Call): boolean {
  return functions[call.function].isSketched;
}

/** The field that a call reads. */
export function fieldOf(call: Call): RowValue {
  if (call.argument.kind === "field") return call.argument.field;
  throw new InputError(`${call.function} of a call has no field`);
}

export function isSameField(a: RowValue, b: RowValue): boolean {
  return a.reference.name === b.reference.name && a.type === b.type;
}

/** Columns of the fold request: one a field, keeping what all its calls need. */
export function foldColumns(input: Input): { readonly field: string; readonly keep: number }[] {
  const keep = new Map<string, number>();
  for (const call of input.calls) {
    if (call.argument.kind !== "field" || isSketched(call)) continue;
    const { name } = call.argument.field.reference;
    keep.set(name, (keep.get(name) ?? 0) | call.fold);
  }
  return [...keep].map(([field, bits]) => ({ field, keep: bits }));
}

/** Whether `Source.fold` answers every call that no sketch does, so that no row needs to be kept. */
export function canFold(input: Input): boolean {
  if (!input.foldable || input.outputs.some(readsRow)) return false;
  return input.calls.every((call) => call.argument.kind === "call" || isSketched(call) || isFoldable(call));
}

/** Whether there are calls of fields that no sketch answers. */
export function hasExactCalls(input: Input): boolean {
  return input.calls.some((call) => call.argument.kind === "field" && !isSketched(call));
}

/** The calls of fields that calls are made of, each once. */
export function baseCalls(input: Input, calls: Iterable<number>): Call[] {
  const found = new Set<Call>();
  for (const index of calls) {
    let call = input.calls[index]!;
    while (call.argument.kind === "call") call = input.calls[call.argument.call]!;
    found.add(call);
  }
  return [...found];
}

/** The calls that columns use themselves, ascending. */
export function rootCalls(input: Input): number[] {
  const roots = new Set<number>();
  const visit = (output: Output): void => {
    if (output.kind === "call") roots.add(output.call);
    operandsOf(output).forEach(visit);
  };
  for (const output of input.outputs) visit(output);
  return [...roots].sort((a, b) => a - b);
}

/** Root calls by the number of windows before the first that they look at. */
export function passesOf(plan: SelectPlan, input: Input, roots: readonly number[]): Map<number, number[]> {
  const passes = new Map<number, number[]>();
  for (const root of roots) {
    const extra = plan.window === null ? 0 : extraWindows(input, root);
    const calls = passes.get(extra);
    if (calls === undefined) passes.set(extra, [root]);
    else calls.push(root);
  }
  return passes;
}

function extraWindows(input: Input, index: number): number {
  const call = input.calls[index]!;
  return call.argument.kind === "field" ? 0 : call.extraWindows + extraWindows(input, call.argument.call);
}

/** Counts are 0 where there is nothing, unless fill() says otherwise. */
export function isCount(call: Call): boolean {
  return call.function === "count" || call.function === "count_distinct";
}

/** Whether a window may show what stands before the range, so that also a range without rows has an answer. */
export function looksBack({ fill }: SelectPlan): boolean {
  return fill.kind === "previous" && fill.within !== undefined;
}

/** Whether a call works on the windows of another and fill gives it values in windows without rows. */
export function transformsFilled(plan: SelectPlan, input: Input): boolean {
  return input.calls.some(({ argument }) => {
    if (argument.kind === "field") return false;
    const { kind } = plan.fill;
    return kind === "number" || kind === "previous" || isCount(input.calls[argument.call]!);
  });
}

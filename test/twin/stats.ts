// The plain twin of assembly/stats.ts.
import { FieldType } from "../../src/model/types.ts";
import type { PageStats } from "../../src/segment/stats.ts";

/** Statistics of the values that are not null; null where the kernel says "not usable". */
export function plainStats(
  type: FieldType,
  values: readonly (number | bigint | boolean | string | null)[],
): { count: number; stats: PageStats | null } {
  const there = values.filter((value) => value !== null);
  const count = there.length;
  if (count === 0 || type === FieldType.Boolean || type === FieldType.String) return { count, stats: null };
  const { min, max } = extremes(there as (number | bigint)[]);
  const first = there[0] as number | bigint;
  const last = there.at(-1) as number | bigint;
  if (type === FieldType.Float) {
    if (there.some(Number.isNaN)) return { count, stats: null };
    const sum = (there as number[]).reduce((total, value) => total + value);
    return { count, stats: { count, min, max, sum, first, last } };
  }
  const wrap = type === FieldType.Unsigned ? BigInt.asUintN : BigInt.asIntN;
  const total = (there as bigint[]).reduce((sum, value) => sum + value);
  return { count, stats: { count, min, max, sum: wrap(64, total), first, last } };
}

function extremes(values: readonly (number | bigint)[]): { min: number | bigint; max: number | bigint } {
  let min = values[0]!;
  let max = values[0]!;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}

// SELECT of fields and tags without functions: the rows of each group merged by time, made as they are taken.
import type { Budget, Source } from "../model/scan.ts";
import { gatherGroups, type RowGroup } from "./gather.ts";
import { Merge } from "./merge.ts";
import { compileOutput, type Position } from "./outputs.ts";
import type { Row } from "./parts.ts";
import type { Input, SelectPlan } from "./plan.ts";
import type { Cell } from "./result.ts";
import { selectionOf } from "./selection.ts";

/** The groups of an input's rows, in the order of their tags. No series can give more rows than the limit. */
export function scanRows(
  source: Source,
  plan: SelectPlan,
  input: Input,
  budget: Budget,
): Promise<RowGroup[]> {
  const request = {
    ...selectionOf(plan, input),
    fields: input.fields,
    limit: plan.limit === 0 ? Number.MAX_SAFE_INTEGER : plan.offset + plan.limit,
    descending: plan.descending,
    budget,
  };
  return gatherGroups(source, request, plan.dimensions);
}

/** The rows of a group in the order of the answer. */
export function* mergedRows(plan: SelectPlan, input: Input, group: RowGroup): Generator<Row> {
  const merge = new Merge(group.series, plan.descending);
  const { blocks } = merge;
  const evaluate = input.outputs.map((output) => compileOutput(output, blocks, input.fields));
  const at: Position = { calls: [], block: 0, row: 0 };
  while (merge.next()) {
    at.block = merge.block;
    at.row = merge.row;
    const row: Cell[] = new Array(evaluate.length + 1);
    row[0] = blocks[merge.block]!.times[merge.row]!;
    for (let c = 0; c < evaluate.length; c++) row[c + 1] = evaluate[c]!(at);
    yield row;
  }
}

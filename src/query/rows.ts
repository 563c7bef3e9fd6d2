// SELECT of fields and tags without functions: the rows of each group merged by time, made as they are taken.
import type { Budget, Rows } from "../model/scan.ts";
import type { SeriesBlock } from "./blocks.ts";
import { ColumnarPart, type RowCell, rowsOfBlock } from "./columnar.ts";
import { gatherGroups, type RowGroup } from "./gather.ts";
import { Merge } from "./merge.ts";
import { compileOutput, type Position } from "./outputs.ts";
import { PART_ROWS, partRows, type Row, type SeriesHead } from "./parts.ts";
import type { Input, Output, SelectPlan } from "./plan.ts";
import type { Cell } from "./result.ts";
import { selectionOf } from "./selection.ts";

/** More rows of all series together than these are not looked for ahead. */
const FEW_ROWS = 1000;

/** The groups of an input's rows, in the order of their tags. No series can give more rows than the limit. */
export function scanRows(source: Rows, plan: SelectPlan, input: Input, budget: Budget): Promise<RowGroup[]> {
  const isLimited = plan.limit > 0 && plan.having === null;
  const rows = plan.offset + plan.limit;
  const request = {
    ...selectionOf(plan, input),
    fields: input.fields,
    limit: isLimited ? rows : Number.MAX_SAFE_INTEGER,
    ...(isLimited && plan.dimensions.length === 0 && rows <= FEW_ROWS ? { firstRows: rows } : {}),
    descending: plan.descending,
    budget,
  };
  return gatherGroups(source, request, plan.dimensions);
}

/** The rows of a group in the order of the answer, out of a merge of its series in that direction. */
export function* mergedRows(input: Input, merge: Merge): Generator<Row> {
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

/** What the columns show of stored rows; null when one of them is more than a stored value or tag. */
export function storedCells(input: Input): RowCell[] | null {
  const cells = input.outputs.map((output) => storedCell(output, input.fields));
  return cells.every((cell) => cell !== null) ? cells : null;
}

function storedCell(output: Output, fields: readonly string[]): RowCell | null {
  if (output.kind !== "row") return null;
  const { reference, type } = output;
  if (reference.kind === "tag") return { kind: "tag", name: reference.name };
  return reference.type === type ? { kind: "field", column: fields.indexOf(reference.name) } : null;
}

/** The block of a group that has no other; null: it has several, or more rows than a part. */
function onlyBlock({ series: [first, second] }: RowGroup, mostRows: number): SeriesBlock | null {
  if (second !== undefined || first?.length !== 1) return null;
  return first[0]!.rowCount <= mostRows ? first[0]! : null;
}

/**
 * The rows of a group in the order of the answer, after OFFSET and up to LIMIT, as columns; null between them: a moment
 * to give way.
 */
export function* columnarParts(
  plan: SelectPlan,
  cells: readonly RowCell[],
  group: RowGroup,
  head: SeriesHead,
): Generator<ColumnarPart | null> {
  const most = partRows(head.columns.length);
  const only = onlyBlock(group, most);
  if (only !== null) {
    if (only.rowCount > plan.offset) yield new ColumnarPart(head, rowsOfBlock(plan, only, cells), false);
    return;
  }
  const steps = Merge.of(group.series, plan.descending);
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) yield null;
  const merge = step.value;
  const { blocks } = merge;
  const total = blocks.reduce((sum, block) => sum + block.rowCount, 0);
  const end = Math.min(total, plan.limit === 0 ? total : plan.offset + plan.limit);
  for (let at = 0; at < Math.min(plan.offset, total); at++) {
    if (at % PART_ROWS === PART_ROWS - 1) yield null;
    merge.next();
  }
  for (let at = plan.offset; at < end; ) {
    const count = Math.min(most, end - at);
    const block = new Uint32Array(count);
    const row = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      merge.next();
      block[i] = merge.block;
      row[i] = merge.row;
    }
    at += count;
    const rows = count < blocks.length ? ofOwnBlocks(blocks, block) : { blocks, block };
    yield new ColumnarPart(head, { count, ...rows, row, cells }, at < end);
  }
}

/** Where rows stand, among those blocks only that have one of them: whoever reads a part looks at all of its blocks. */
function ofOwnBlocks(
  all: readonly SeriesBlock[],
  of: Uint32Array,
): { readonly blocks: readonly SeriesBlock[]; readonly block: Uint32Array } {
  const places = new Map<number, number>();
  const blocks: SeriesBlock[] = [];
  const block = of.map((index) => {
    let place = places.get(index);
    if (place === undefined) {
      place = blocks.push(all[index]!) - 1;
      places.set(index, place);
    }
    return place;
  });
  return { blocks, block };
}

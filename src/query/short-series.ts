// Series of an answer that have few stored rows each, many at once: no object for a series until somebody asks for it.
//
//   tags   a   b   c           ends   1 3 4          rows   a0 b0 b1 c0        (columnar.ts)
import { FieldType } from "../model/types.ts";
import type { SeriesBlock } from "./blocks.ts";
import { ColumnarPart, type ColumnarRows, type RowCell } from "./columnar.ts";
import type { RowGroup } from "./gather.ts";
import { mayBeMany, type SeriesHead } from "./parts.ts";
import type { SelectPlan } from "./plan.ts";
import type { ResultSeries } from "./result.ts";

/** Rows of a series at most, and cells of many: what they take in memory, and the time until the next. */
const MOST_ROWS = 15;
const MOST_CELLS = 16_384;
/** So many characters of a text are one cell more. */
const CELL_CHARACTERS = 32;

export class ShortSeries implements Iterable<ResultSeries> {
  /** What they have in common. */
  readonly head: SeriesHead;
  /** Names of the tags, and by tag the value in each series. */
  readonly dimensions: readonly string[];
  readonly tags: readonly (readonly string[])[];
  /** Of each series where its rows end; none is without rows. */
  readonly ends: readonly number[];
  readonly rows: ColumnarRows;

  constructor(series: Pick<ShortSeries, "head" | "dimensions" | "tags" | "ends" | "rows">) {
    this.head = series.head;
    this.dimensions = series.dimensions;
    this.tags = series.tags;
    this.ends = series.ends;
    this.rows = series.rows;
  }

  get seriesCount(): number {
    return this.ends.length;
  }

  get rowCount(): number {
    return this.rows.count;
  }

  *[Symbol.iterator](): Generator<ResultSeries> {
    const { blocks, block, row, cells } = this.rows;
    let start = 0;
    for (let s = 0; s < this.ends.length; s++) {
      const tags = new Map<string, string>();
      for (let d = 0; d < this.dimensions.length; d++) tags.set(this.dimensions[d]!, this.tags[d]![s]!);
      const end = this.ends[s]!;
      const own = { block: block.subarray(start, end), row: row.subarray(start, end) };
      yield new ColumnarPart({ ...this.head, tags }, { count: end - start, blocks, ...own, cells }, false);
      start = end;
    }
  }
}

/** Whether the groups of an answer of stored rows, after OFFSET and up to LIMIT, are short series. */
export function areShort(plan: SelectPlan, groups: readonly RowGroup[]): boolean {
  if (!mayBeMany(plan) || plan.dimensions.length === 0) return false;
  const isShort = ({ series: [blocks, another] }: RowGroup) =>
    another === undefined && blocks?.length === 1 && blocks[0]!.rowCount <= MOST_ROWS;
  return groups.every(isShort);
}

/** Groups that are short, in the order of the answer. */
export function* shortSeries(
  plan: SelectPlan,
  groups: readonly RowGroup[],
  cells: readonly RowCell[],
  head: SeriesHead,
): Generator<ShortSeries> {
  const { dimensions, descending, offset, limit } = plan;
  for (let from = 0, to = 0; from < groups.length; from = to) {
    let room = 0;
    for (let weight = 0; to < groups.length && weight < MOST_CELLS; to++) {
      const block = groups[to]!.series[0]![0]!;
      room += block.rowCount;
      weight += cellsOf(block, cells);
    }
    const some = groups.slice(from, to);
    const blocks = some.map(({ series }) => series[0]![0]!);
    const block = new Uint32Array(room);
    const row = new Uint32Array(room);
    const chosen: RowGroup[] = [];
    const ends: number[] = [];
    let at = 0;
    for (let b = 0; b < blocks.length; b++) {
      const { start, rowCount } = blocks[b]!;
      const left = rowCount - offset;
      if (left <= 0) continue;
      const count = limit === 0 ? left : Math.min(left, limit);
      for (let i = 0; i < count; i++) {
        block[at] = b;
        row[at++] = descending ? start + left - 1 - i : start + offset + i;
      }
      chosen.push(some[b]!);
      ends.push(at);
    }
    if (at === 0) continue;
    const tags = dimensions.map((_, d) => chosen.map((group) => group.tags[d]!));
    yield new ShortSeries({ head, dimensions, tags, ends, rows: { count: at, blocks, block, row, cells } });
  }
}

/** How many cells a block shows, a long text as several. */
function cellsOf({ start, rowCount, columns }: SeriesBlock, cells: readonly RowCell[]): number {
  let count = rowCount * cells.length;
  for (const cell of cells) {
    const column = cell.kind === "field" ? columns[cell.column] : null;
    if (column?.type !== FieldType.String) continue;
    for (let row = start; row < start + rowCount; row++)
      count += Math.floor(column.values[row]!.length / CELL_CHARACTERS);
  }
  return count;
}

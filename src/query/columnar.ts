// Rows of an answer that are stored rows as they are, or windows (window-columns.ts), kept as columns: no array a row, no cell a value, until somebody asks for them.
//
//   blocks    [b0 b1 b2 ...]      what the scan gave
//   block/row  0 2 0 1 ...        row i of the answer is row `row[i]` of the columns of `blocks[block[i]]`
//   cells      tag, field, ...    what stands in the columns behind time
import type { SeriesBlock } from "./blocks.ts";
import { cellReader } from "./cells.ts";
import { PART_ROWS, type Row, type SeriesHead } from "./parts.ts";
import type { SelectPlan } from "./plan.ts";
import type { Cell, ResultSeries } from "./result.ts";

/** What a column behind time shows of a row: a tag of its series, or the field in a column of its block. */
export type RowCell =
  | { readonly kind: "tag"; readonly name: string }
  | { readonly kind: "field"; readonly column: number };

export interface ColumnarRows {
  readonly count: number;
  readonly blocks: readonly SeriesBlock[];
  /** By row of the answer, at least `count` long: index into `blocks`, and row of that block's columns. */
  readonly block: Uint32Array;
  readonly row: Uint32Array;
  readonly cells: readonly RowCell[];
}

/** A part of a series of an answer; `rows` are made when they are asked for. */
export class ColumnarPart implements ResultSeries {
  readonly name?: string;
  readonly tags?: ReadonlyMap<string, string>;
  readonly columns: readonly string[];
  readonly timeColumn: number;
  readonly zone?: string;
  readonly floats?: readonly boolean[];
  readonly partial?: boolean;
  readonly #columnar: ColumnarRows;
  #rows: readonly Row[] | undefined;

  constructor(head: SeriesHead, columnar: ColumnarRows, partial: boolean) {
    if (head.name !== undefined) this.name = head.name;
    if (head.tags !== undefined) this.tags = head.tags;
    this.columns = head.columns;
    this.timeColumn = head.timeColumn;
    if (head.zone !== undefined) this.zone = head.zone;
    if (head.floats !== undefined) this.floats = head.floats;
    if (partial) this.partial = true;
    this.#columnar = columnar;
  }

  // on the prototype: a part that is spread into another one with other rows does not take these along
  get columnar(): ColumnarRows {
    return this.#columnar;
  }

  get rows(): readonly Row[] {
    this.#rows ??= rowsOf(this.#columnar);
    return this.#rows;
  }
}

/** Of rows that all stand in the first block, and of those that stand there in the order of the answer. */
const FIRST = new Uint32Array(PART_ROWS);
const IN_ORDER = Uint32Array.from({ length: PART_ROWS }, (_, row) => row);

/** The rows of a block of up to PART_ROWS in the order of the answer, after OFFSET and up to LIMIT. */
export function rowsOfBlock(
  { descending, offset, limit }: Pick<SelectPlan, "descending" | "offset" | "limit">,
  block: SeriesBlock,
  cells: readonly RowCell[],
): ColumnarRows {
  const left = Math.max(block.rowCount - offset, 0);
  const count = limit === 0 ? left : Math.min(left, limit);
  // as it is of most: of short series an array each would count
  if (block.start + offset === 0 && (!descending || left === 1))
    return { count, blocks: [block], block: FIRST, row: IN_ORDER, cells };
  const row = new Uint32Array(count);
  const first = block.start + (descending ? left - 1 : offset);
  for (let i = 0; i < count; i++) row[i] = descending ? first - i : first + i;
  return { count, blocks: [block], block: FIRST, row, cells };
}

function rowsOf({ count, blocks, block, row, cells }: ColumnarRows): Row[] {
  const readers = new Map<number, ((row: number) => Cell)[]>();
  const readersOf = (index: number) => {
    const { series, columns } = blocks[index]!;
    return cells.map((cell) => {
      if (cell.kind === "field") return cellReader(columns[cell.column] ?? null);
      const value = series.tags.get(cell.name) ?? null;
      return () => value;
    });
  };
  return Array.from({ length: count }, (_, i) => {
    const at = block[i]!;
    let read = readers.get(at);
    if (read === undefined) {
      read = readersOf(at);
      readers.set(at, read);
    }
    const made: Cell[] = new Array(cells.length + 1);
    made[0] = blocks[at]!.times[row[i]!]!;
    for (let c = 0; c < cells.length; c++) made[c + 1] = read[c]!(row[i]!);
    return made;
  });
}

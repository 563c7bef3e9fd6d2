// Rows of several sources side by side: a merge in the order of time, for each combination of the keys' values.
//
//   a   10:00 ─────── 10:01 ── 10:02               inner   10:00 10:02
//   b   10:00 ───────────────  10:02 ── 10:03      left    10:00 10:01 10:02        (b's columns have no value at 10:01)
//                                                  full    10:00 10:01 10:02 10:03
//
// Several rows of a side at one time meet every row of the other. Only what stands at one time is held beside the sides.

import { InputError } from "../base/errors.ts";
import { listKey } from "../model/listkey.ts";
import { FieldType } from "../model/types.ts";
import type { SeriesBlock } from "./blocks.ts";
import { blockOfRows, type CellColumn, constantColumn } from "./cellblocks.ts";
import { castCell, cellReader } from "./cells.ts";
import type { RowGroup } from "./gather.ts";
import { Merge } from "./merge.ts";
import { PART_ROWS, type Row } from "./parts.ts";
import type { JoinRows, JoinSide } from "./plan.ts";
import type { Cell } from "./result.ts";
import type { Turn } from "./turn.ts";

/** After this many times it looks whether it has to give way. */
const TIMES_A_LOOK = 256;

/** The most rows that a join may make at one time, of one combination of the keys. */
const MAX_MEETINGS = 1_000_000;

/** What is asked of a side, by its own names: those of `names` that begin with its alias. */
export function namesOfSide(names: readonly string[], alias: string): string[] {
  return names.filter((name) => name.startsWith(`${alias}.`)).map((name) => name.slice(alias.length + 1));
}

/** `sides`: the groups of each side by the keys, with columns as `namesOfSide` of `names`. The blocks have columns as `names`. */
export async function* joinedBlocks(
  rows: JoinRows,
  sides: readonly (readonly RowGroup[])[],
  name: string,
  names: readonly string[],
  turn: Turn,
): AsyncGenerator<SeriesBlock> {
  const groups = new Map<string, (RowGroup | undefined)[]>();
  for (const [side, ofSide] of sides.entries())
    for (const group of ofSide) {
      const key = listKey(group.tags);
      let row = groups.get(key);
      if (row === undefined) {
        row = new Array<RowGroup | undefined>(sides.length).fill(undefined);
        groups.set(key, row);
      }
      row[side] = group;
    }
  const columns = names.map((each, index): CellColumn | null => {
    const type = rows.sides.map((side) => typeIn(side, each)).find((found) => found !== null);
    return type === undefined ? null : { index: index + 1, type: type! };
  });
  for (const ofSides of groups.values()) {
    const { tags: values } = ofSides.find((group) => group !== undefined)!;
    const tags = new Map(rows.keys.map((key, i) => [key, values[i]!]));
    const series = { key: listKey([name, ...values]), tags };
    const merges: Merge[] = [];
    for (const group of ofSides) merges.push(await turn.through(Merge.of(group?.series ?? [], false)));
    const joined = new JoinedSides(rows, merges, names, columns);
    let part: Row[] = [];
    for (let times = 0; ; times++) {
      if (times % TIMES_A_LOOK === 0 && turn.isOver()) await turn.next();
      const more = joined.next(part);
      if (part.length >= PART_ROWS || (!more && part.length > 0)) {
        yield withTags(blockOfRows(series, part, columns), names);
        part = [];
      }
      if (!more) break;
    }
  }
}

/** Keys that calls read as columns. */
function withTags(block: SeriesBlock, names: readonly string[]): SeriesBlock {
  const { tags } = block.series;
  const columns = block.columns.map((column, i) => {
    const tag = tags.get(names[i]!);
    return tag === undefined ? column : constantColumn(tag, block.rowCount);
  });
  return { ...block, columns };
}

function typeIn({ alias, columns }: JoinSide, name: string): FieldType | null {
  if (!name.startsWith(`${alias}.`)) return null;
  return columns.find((column) => column.name === name.slice(alias.length + 1))?.type ?? null;
}

/** A row of every side, by index of its reader; -1 = none. */
type Meeting = readonly number[];

class JoinedSides {
  readonly #types: JoinRows["sides"];
  readonly #sides: readonly SideRows[];

  constructor(
    rows: JoinRows,
    merges: readonly Merge[],
    names: readonly string[],
    columns: readonly (CellColumn | null)[],
  ) {
    this.#types = rows.sides;
    this.#sides = rows.sides.map(({ alias }, side) => {
      const own: { cell: number; type: FieldType }[] = [];
      for (const [i, each] of names.entries())
        if (each.startsWith(`${alias}.`))
          own.push({ cell: i + 1, type: columns[i]?.type ?? FieldType.Float });
      return new SideRows(merges[side]!, own);
    });
    this.#width = names.length + 1;
  }

  readonly #width: number;

  /** Adds the rows of the next time to `into`; false when there is none. */
  next(into: Row[]): boolean {
    let time: bigint | null = null;
    for (const side of this.#sides) {
      const head = side.time;
      if (head !== null && (time === null || head < time)) time = head;
    }
    if (time === null) return false;
    let meetings: Meeting[] = [];
    for (const [index, side] of this.#sides.entries()) {
      const count = side.take(time);
      meetings =
        index === 0
          ? range(count).map((row) => [row])
          : met(meetings, count, index, this.#types[index]!.type);
    }
    for (const meeting of meetings) {
      const row: Cell[] = new Array<Cell>(this.#width).fill(null);
      row[0] = time;
      for (const [index, at] of meeting.entries()) if (at >= 0) this.#sides[index]!.read(at, row);
      into.push(row);
    }
    return true;
  }
}

/** Rows of the sides so far with the `count` rows of the next one. */
function met(before: readonly Meeting[], count: number, sides: number, type: JoinSide["type"]): Meeting[] {
  if (before.length * count > MAX_MEETINGS)
    throw new InputError(
      `the join makes ${before.length * count} rows at one time, more than ${MAX_MEETINGS}: name more tags in USING, or aggregate the sides`,
    );
  if (before.length > 0 && count > 0)
    return before.flatMap((meeting) => range(count).map((row) => [...meeting, row]));
  if (before.length > 0)
    return type === "left" || type === "full" ? before.map((meeting) => [...meeting, -1]) : [];
  if (type !== "right" && type !== "full") return [];
  const none = new Array<number>(sides).fill(-1);
  return range(count).map((row) => [...none, row]);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The rows of one side in the order of time: those of the time that was taken last can be read. */
class SideRows {
  readonly #merge: Merge;
  readonly #columns: readonly { readonly cell: number; readonly type: FieldType }[];
  readonly #readers: ((row: number) => Cell)[][] = [];
  #taken: { readonly block: number; readonly row: number }[] = [];
  /** Of the row that comes next; null = none. */
  time: bigint | null = null;

  /** `columns`: where in a row of the join each column of the blocks goes, and as which type. */
  constructor(merge: Merge, columns: readonly { readonly cell: number; readonly type: FieldType }[]) {
    this.#merge = merge;
    this.#columns = columns;
    this.#advance();
  }

  #advance(): void {
    const merge = this.#merge;
    this.time = merge.next() ? merge.blocks[merge.block]!.times[merge.row]! : null;
  }

  /** Moves behind the rows of a time, and says how many they are. */
  take(time: bigint): number {
    this.#taken = [];
    while (this.time === time) {
      this.#taken.push({ block: this.#merge.block, row: this.#merge.row });
      this.#advance();
    }
    return this.#taken.length;
  }

  /** Puts the values of a taken row into a row of the join. */
  read(index: number, into: Cell[]): void {
    const { block, row } = this.#taken[index]!;
    this.#readers[block] ??= this.#merge.blocks[block]!.columns.map((column, i) => {
      const read = cellReader(column);
      const { type } = this.#columns[i]!;
      return column === null || column.type === type ? read : (at) => castCell(read(at), column.type, type);
    });
    for (const [i, { cell }] of this.#columns.entries()) into[cell] = this.#readers[block]![i]!(row);
  }
}

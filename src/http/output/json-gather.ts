// Rows of a part, which may lie in many columns, put into linear memory in the order of the answer.
//
//     rows of a part   b0r4 b1r7 b0r5 b2r0 b1r8 ...     each a block and a row of its columns
//     values           v    v    v    v    v            8 bytes each, column by column
//     marks            m    m    m    m    m            the type of a value, or 0 where there is none
//
// They are read block by block where they come from few: what lies together is read together, and written where it belongs.
import type { Kernels, Pointer } from "../../kernels/kernels.ts";
import type { Column } from "../../model/scan.ts";
import { FieldType } from "../../model/types.ts";
import { wordsOf } from "../../model/words.ts";
import type { SeriesBlock } from "../../query/blocks.ts";
import type { ColumnarRows } from "../../query/columnar.ts";

/** A text that stands for the value in a slot. */
export interface SlotText {
  readonly slot: Pointer;
  readonly text: string;
}

/** A column of all sources. */
interface Gathered {
  readonly columns: readonly (Column | null)[];
  /** Of all values when they have one type and none is missing, else 0. */
  readonly type: FieldType | 0;
  /** By source, of numbers: floats, or 64-bit integers as words; those of other sources are empty. */
  readonly floats: readonly Float64Array[];
  readonly words: readonly Int32Array[];
}

const NO_FLOATS = new Float64Array(0);
const NO_WORDS = new Int32Array(0);
/** Fewer rows are read as they stand. */
const LEAST_SORTED = 1024;

export class JsonGather {
  readonly #kernels: Kernels;
  /** By block: which of the columns that blocks share it has. */
  readonly #sourceOf: Uint32Array;
  /** By source. */
  readonly #times: readonly Int32Array[];
  readonly #columns: readonly Gathered[];
  /** Of the rows in hand the places in the order in which they are read. */
  #order: Uint32Array = new Uint32Array(0);
  /** By block: where its places end in that order. */
  readonly #ends: Uint32Array;

  /** `fields`: the columns that are wanted. */
  constructor(kernels: Kernels, blocks: readonly SeriesBlock[], fields: readonly number[]) {
    this.#kernels = kernels;
    const { sources, sourceOf } = sourcesOf(blocks);
    this.#sourceOf = sourceOf;
    this.#ends = new Uint32Array(blocks.length);
    this.#times = sources.map(({ times }) => wordsOf(times));
    this.#columns = fields.map((field) => gathered(sources.map(({ columns }) => columns[field] ?? null)));
  }

  /** Puts the rows' times at `target`; then come their columns. */
  times(rows: ColumnarRows, target: Pointer): void {
    const { count, blocks, block, row } = rows;
    const { words, longs } = this.#kernels;
    const order = this.#sort(rows);
    if (isRun(rows)) {
      longs.set(blocks[block[0]!]!.times.subarray(row[0]!, row[0]! + count), target >>> 3);
      return;
    }
    const first = target >>> 2;
    for (let j = 0; j < count; j++) {
      const i = order[j]!;
      const from = this.#times[this.#sourceOf[block[i]!]!]!;
      const word = 2 * row[i]!;
      words[first + 2 * i] = from[word]!;
      words[first + 2 * i + 1] = from[word + 1]!;
    }
  }

  #sort({ count, blocks, block }: ColumnarRows): Uint32Array {
    if (this.#order.length < count) this.#order = new Uint32Array(count);
    const order = this.#order;
    if (count < LEAST_SORTED || blocks.length === 1 || blocks.length > count) {
      for (let i = 0; i < count; i++) order[i] = i;
      return order;
    }
    // Knuth, The Art of Computer Programming, volume 3, 5.2, distribution counting
    const ends = this.#ends;
    ends.fill(0);
    for (let i = 0; i < count; i++) ends[block[i]!]!++;
    for (let b = 0, end = 0; b < ends.length; b++) {
      const rows = ends[b]!;
      ends[b] = end;
      end += rows;
    }
    for (let i = 0; i < count; i++) order[ends[block[i]!]!++] = i;
    return order;
  }

  /** Puts the rows' values of a column and their marks into linear memory; texts, which the caller has to place, go to `texts`. */
  column(column: number, rows: ColumnarRows, values: Pointer, marks: Pointer, texts: SlotText[]): void {
    const gathered = this.#columns[column]!;
    const { type } = gathered;
    if (type !== FieldType.Float && type !== FieldType.Integer && type !== FieldType.Unsigned) {
      this.#cells(gathered, rows, values, marks, texts);
      return;
    }
    if (type === FieldType.Float) this.#floats(gathered.floats, rows, values);
    else this.#words(gathered.words, rows, values);
    this.#kernels.bytes.fill(type, marks, marks + rows.count);
  }

  #floats(from: readonly Float64Array[], rows: ColumnarRows, values: Pointer): void {
    const { count, block, row } = rows;
    const { doubles } = this.#kernels;
    const sourceOf = this.#sourceOf;
    if (isRun(rows)) {
      doubles.set(from[sourceOf[block[0]!]!]!.subarray(row[0]!, row[0]! + count), values >>> 3);
      return;
    }
    const first = values >>> 3;
    const order = this.#order;
    for (let j = 0; j < count; j++) {
      const i = order[j]!;
      doubles[first + i] = from[sourceOf[block[i]!]!]![row[i]!]!;
    }
  }

  #words(from: readonly Int32Array[], { count, block, row }: ColumnarRows, values: Pointer): void {
    const { words } = this.#kernels;
    const sourceOf = this.#sourceOf;
    const first = values >>> 2;
    const order = this.#order;
    for (let j = 0; j < count; j++) {
      const i = order[j]!;
      const own = from[sourceOf[block[i]!]!]!;
      const word = 2 * row[i]!;
      words[first + 2 * i] = own[word]!;
      words[first + 2 * i + 1] = own[word + 1]!;
    }
  }

  // Values of any kind, of which some may be missing.
  #cells(
    { columns, floats, words: integers }: Gathered,
    { count, block, row }: ColumnarRows,
    values: Pointer,
    marks: Pointer,
    texts: SlotText[],
  ): void {
    const { bytes, doubles, words } = this.#kernels;
    const order = this.#order;
    for (let j = 0; j < count; j++) {
      const i = order[j]!;
      const own = this.#sourceOf[block[i]!]!;
      const at = row[i]!;
      const column = columns[own]!;
      const isThere = column !== null && column.present?.[at] !== 0;
      bytes[marks + i] = isThere ? column.type : 0;
      if (!isThere) continue;
      const slot = values + i * 8;
      switch (column.type) {
        case FieldType.Float:
          doubles[slot >>> 3] = floats[own]![at]!;
          break;
        case FieldType.Boolean:
          words[slot >>> 2] = column.values[at]!;
          break;
        case FieldType.String:
          texts.push({ slot, text: JSON.stringify(column.values[at]!) });
          break;
        default:
          words[slot >>> 2] = integers[own]![2 * at]!;
          words[(slot >>> 2) + 1] = integers[own]![2 * at + 1]!;
      }
    }
  }
}

// Whether rows follow each other in one block, and are so many that it pays to copy them at once: a view costs as much as 50 values.
function isRun({ count, block, row }: ColumnarRows): boolean {
  if (count < 64) return false;
  const [own, first] = [block[0]!, row[0]!];
  for (let i = 1; i < count; i++) if (block[i] !== own || row[i] !== first + i) return false;
  return true;
}

function gathered(columns: readonly (Column | null)[]): Gathered {
  const type = columns[0]?.type ?? 0;
  const isSame = columns.every(
    (column) => column !== null && column.type === type && column.present === null,
  );
  return { columns, type: isSame ? type : 0, ...numbersOf(columns) };
}

function numbersOf(columns: readonly (Column | null)[]): Pick<Gathered, "floats" | "words"> {
  const floats: Float64Array[] = [];
  const words: Int32Array[] = [];
  for (const column of columns) {
    floats.push(column?.type === FieldType.Float ? column.values : NO_FLOATS);
    const isInteger = column?.type === FieldType.Integer || column?.type === FieldType.Unsigned;
    words.push(isInteger ? wordsOf(column.values) : NO_WORDS);
  }
  return { floats, words };
}

// The blocks that do not share their columns with one before, and by block which of them it shares them with.
function sourcesOf(blocks: readonly SeriesBlock[]): {
  readonly sources: readonly SeriesBlock[];
  readonly sourceOf: Uint32Array;
} {
  const sources: SeriesBlock[] = [];
  const known = new Map<SeriesBlock["columns"], number>();
  const sourceOf = new Uint32Array(blocks.length);
  for (let b = 0; b < blocks.length; b++) {
    const block = blocks[b]!;
    let source = known.get(block.columns);
    if (source === undefined) {
      source = sources.push(block) - 1;
      known.set(block.columns, source);
    }
    sourceOf[b] = source;
  }
  return { sources, sourceOf };
}

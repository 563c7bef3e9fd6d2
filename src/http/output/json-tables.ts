// Tables of series as JSON, by the kernel (jsonSeries in kernels/assembly/json.ts): nothing is made for a series but the text of its tags.
import { type Kernels, type Pointer, Scratch } from "../../kernels/kernels.ts";
import type { Column } from "../../model/scan.ts";
import type { SeriesTable } from "../../query/series-table.ts";
import { framesOf } from "./json-frame.ts";
import { loadPowersOfTen } from "./powers.ts";

/** Bytes of a number with its comma and of a time with brackets and comma, at most; and what may be written behind the last. */
const NUMBER_BYTES = 26;
const TIME_BYTES = 40;
const SPARE_BYTES = 32;

export class JsonTables {
  readonly #kernels: Kernels;
  readonly #unitNs: bigint;
  readonly #in: Scratch;
  readonly #out: Scratch;

  /** `unitNs`: what times are cut to, 0 = RFC 3339. `close` when done. */
  constructor(kernels: Kernels, unitNs: bigint) {
    this.#kernels = kernels;
    loadPowersOfTen(kernels);
    this.#unitNs = unitNs;
    this.#in = new Scratch(kernels);
    this.#out = new Scratch(kernels);
  }

  close(): void {
    this.#in.release();
    this.#out.release();
  }

  /** The series of a table of numbers, valid until the next. `columns`: their names as JSON; `first`: none stands before them. */
  series(table: SeriesTable, columns: string, first: boolean): Uint8Array {
    const { seriesCount } = table;
    const rows = table.times.length;
    const slots = seriesCount * rows;
    const columnCount = table.columns.length;
    const frames = framesOf(table, columns);
    const kernels = this.#kernels;
    const inBytes = rows * (8 + TIME_BYTES) + slots * 9 * columnCount + columnCount * 8 + frames.sizeBytes;
    const times = this.#in.reserve(inBytes + SPARE_BYTES);
    const values = times + rows * 8;
    const pointers = values + slots * 8 * columnCount;
    const framesAt = pointers + columnCount * 8;
    const marks = framesAt + frames.sizeBytes;
    const timeTexts = marks + slots * columnCount;
    const rowBytes = TIME_BYTES + columnCount * NUMBER_BYTES;
    const out = this.#out.reserve(frames.answerBytes + slots * rowBytes + SPARE_BYTES);
    kernels.longs.set(table.times, times >>> 3);
    for (let c = 0; c < columnCount; c++) {
      const at = values + slots * 8 * c;
      const mark = marks + slots * c;
      kernels.words[(pointers >>> 2) + 2 * c] = at;
      kernels.words[(pointers >>> 2) + 2 * c + 1] = mark;
      putColumn(kernels, table.columns[c]!, slots, at, mark);
    }
    const end = kernels.call.jsonSeries(
      ...([seriesCount, rows, columnCount, first ? 1 : 0, table.leavesOutNulls ? 1 : 0] as const),
      ...([times, this.#unitNs, timeTexts] as const),
      ...frames.put(kernels, framesAt),
      ...([pointers, out] as const),
    );
    return kernels.bytes.subarray(out, end >>> 0);
  }
}

function putColumn(
  kernels: Kernels,
  column: Column | null,
  slots: number,
  values: Pointer,
  marks: Pointer,
): void {
  const { bytes } = kernels;
  if (column === null) {
    bytes.fill(0, marks, marks + slots);
    return;
  }
  const { type, present } = column;
  const { buffer, byteOffset } = column.values as Float64Array;
  bytes.set(new Uint8Array(buffer, byteOffset, slots * 8), values);
  if (present === null) bytes.fill(type, marks, marks + slots);
  else for (let i = 0; i < slots; i++) bytes[marks + i] = present[i] === 0 ? 0 : type;
}

// The bytes in which what a source answers crosses a thread or a network: batches of rows and partial aggregates.
//
// One buffer for many of them, because handing over a buffer costs the same whatever is in it. Numbers are little-endian;
// arrays of 8-byte values stand at multiples of 8 from the start, so that the reader's views need no copy. Both sides run the
// same version: nothing here is kept.
//
//   text      u32 length, UTF-8          array of n    padding to 8, n x 8 bytes
//   batches   u32 count, then each: u32 blocks, of each: u32 where its rows end; u32 rows; times; u32 columns, each: u8 type (0 = none),
//             u8 has presence, values (booleans u8[n], texts), presence u8[n]; the keys of the series of the blocks, texts
//   texts n   padding to 8, u32[n + 1] offsets, bytes
//   groups    u32 count of batches, then each: u32 groups; u32 keys, each: the values as one text, padding to 4, u32 length of each in
//             UTF-16; u32 columns, each: u8 type (0 = none), u16 which arrays, u32 length, the arrays in the order of `foldArrays`

import type { Column, FoldedColumn, FoldedGroups, FoldValues, RowBatch, Series } from "./scan.ts";
import { decodeKeyText } from "./serieskey.ts";
import { FieldType } from "./types.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { ignoreBOM: true });
const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

const FIRST_BYTES = 4096;
/** Fewer values are copied out of the buffer: an array of their own costs less than a view of another's. */
const FEW = 64;
/** Series that a reader keeps, about 1 KB each. */
const MOST_KNOWN = 4096;

type Words = Float64Array | BigInt64Array | BigUint64Array;

/** Takes batches or groups, and gives their bytes. */
export class WireWriter {
  #bytes!: Uint8Array<ArrayBuffer>;
  #view!: DataView;
  // of the same buffer: setting an array of their own kind costs no view of it, as most arrays are a few values long
  #floats!: Float64Array;
  #integers!: BigInt64Array;
  #unsigned!: BigUint64Array;
  #at = 4;
  #count = 0;

  constructor() {
    if (!isLittleEndian) throw new Error("serie needs a little-endian machine");
    this.#take(new Uint8Array(FIRST_BYTES));
  }

  #take(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#floats = new Float64Array(bytes.buffer);
    this.#integers = new BigInt64Array(bytes.buffer);
    this.#unsigned = new BigUint64Array(bytes.buffer);
  }

  get sizeBytes(): number {
    return this.#at;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  batch({ series, ends, times, columns }: RowBatch): void {
    this.#count++;
    this.#u32(ends.length);
    for (const end of ends) this.#u32(end);
    this.#u32(times.length);
    this.#words(times);
    this.#u32(columns.length);
    for (const column of columns) this.#column(column, times.length);
    this.#texts(series.map(({ key }) => key));
  }

  groups({ count, tags, columns }: FoldedGroups): void {
    this.#count++;
    this.#u32(count);
    this.#u32(tags.length);
    for (const values of tags) this.#joined(values);
    this.#u32(columns.length);
    for (const column of columns) this.#folded(column);
  }

  /** The bytes of all that was taken, in a buffer of their own; the writer is empty again. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#view.setUint32(0, this.#count, true);
    // handed over as it is when little of it would go with it in vain
    const bytes =
      this.#at * 2 > this.#bytes.length ? this.#bytes.subarray(0, this.#at) : this.#bytes.slice(0, this.#at);
    this.#take(new Uint8Array(FIRST_BYTES));
    this.#at = 4;
    this.#count = 0;
    return bytes;
  }

  #column(column: Column | null, rowCount: number): void {
    this.#u8(column === null ? 0 : column.type);
    if (column === null) return;
    this.#u8(column.present === null ? 0 : 1);
    if (column.type === FieldType.Boolean) this.#raw(column.values);
    else if (column.type === FieldType.String) this.#texts(column.values);
    else this.#words(column.values);
    if (column.present !== null) this.#raw(column.present.subarray(0, rowCount));
  }

  #folded(column: FoldedColumn | null): void {
    this.#u8(column === null ? 0 : column.type);
    if (column === null) return;
    let which = 0;
    for (let i = 0; i < foldArrays.length; i++) if (column[foldArrays[i]!] !== undefined) which |= 1 << i;
    this.#u16(which);
    this.#u32(column.count.length);
    for (const name of foldArrays) {
      const array = column[name];
      if (array !== undefined) this.#words(array);
    }
  }

  #texts(values: readonly string[]): void {
    this.#reserve(8 + values.length * 4 + 4);
    this.#align();
    let offsets = this.#at;
    const first = offsets + values.length * 4 + 4;
    this.#at = first;
    for (const value of values) {
      this.#view.setUint32(offsets, this.#at - first, true);
      offsets += 4;
      this.#reserve(value.length * 3);
      this.#at += utf8.encodeInto(value, this.#bytes.subarray(this.#at)).written;
    }
    this.#view.setUint32(offsets, this.#at - first, true);
  }

  // One text for all, and where to cut it: each of its own would take its time to be written, and to be read.
  #joined(values: readonly string[]): void {
    this.#text(values.join(""));
    this.#reserve(4 + values.length * 4);
    this.#at = (this.#at + 3) & ~3;
    for (const { length } of values) {
      this.#view.setUint32(this.#at, length, true);
      this.#at += 4;
    }
  }

  #words(values: Words): void {
    this.#reserve(8 + values.byteLength);
    this.#align();
    const at = this.#at >> 3;
    if (values instanceof Float64Array) this.#floats.set(values, at);
    else if (values instanceof BigInt64Array) this.#integers.set(values, at);
    else this.#unsigned.set(values, at);
    this.#at += values.byteLength;
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #text(value: string): void {
    this.#reserve(4 + value.length * 3);
    const { written } = utf8.encodeInto(value, this.#bytes.subarray(this.#at + 4));
    this.#view.setUint32(this.#at, written, true);
    this.#at += 4 + written;
  }

  #u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  #u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  #u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  #align(): void {
    this.#at = (this.#at + 7) & ~7;
  }

  #reserve(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array((Math.max(needed, this.#bytes.length * 2) + 7) & ~7);
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#take(grown);
  }
}

/** Arrays of a folded column, in the order of their bits. */
const foldArrays = [
  ...["count", "sum", "min", "minTime", "max", "maxTime"],
  ...["first", "firstTime", "last", "lastTime", "mean", "deviations"],
] as (Exclude<keyof FoldedColumn, "type"> & string)[];

const isTimes: ReadonlySet<string> = new Set(["minTime", "maxTime", "firstTime", "lastTime"]);
const isFloats: ReadonlySet<string> = new Set(["count", "mean", "deviations"]);

/** The batches of `WireWriter`'s bytes, which larger arrays are views of. `known`: series by key, to be kept for the next ones. */
export function* readBatches(
  bytes: Uint8Array<ArrayBuffer>,
  known: Map<string, Series> = new Map(),
): Generator<RowBatch> {
  const reader = new WireReader(bytes);
  for (let left = reader.u32(); left > 0; left--) {
    const ends = Array.from({ length: reader.u32() }, () => reader.u32());
    const rowCount = reader.u32();
    const times = reader.times(rowCount);
    const columns = Array.from({ length: reader.u32() }, () => readColumn(reader, rowCount));
    const series = reader.texts(ends.length).map((key) => knownSeries(known, key));
    yield { series, ends, times, columns };
  }
}

function knownSeries(known: Map<string, Series>, key: string): Series {
  let series = known.get(key);
  if (series === undefined) {
    series = seriesOf(key);
    if (known.size === MOST_KNOWN) known.clear();
    known.set(key, series);
  }
  return series;
}

function seriesOf(key: string): Series {
  const tags = new Map<string, string>();
  for (const tag of decodeKeyText(key).tags) tags.set(tag.key, tag.value);
  return { key, tags };
}

function readColumn(reader: WireReader, rowCount: number): Column | null {
  const type = reader.u8() as FieldType | 0;
  if (type === 0) return null;
  const hasPresence = reader.u8() === 1;
  const values = valuesOf(reader, type, rowCount);
  const present = hasPresence ? reader.raw(rowCount) : null;
  return { type, values, present } as Column;
}

function valuesOf(reader: WireReader, type: FieldType, rowCount: number): Column["values"] {
  if (type === FieldType.Boolean) return reader.raw(rowCount);
  return type === FieldType.String ? reader.texts(rowCount) : reader.numbers(type, rowCount);
}

/** The batches of groups of `WireWriter`'s bytes, which larger arrays are views of. */
export function* readGroups(bytes: Uint8Array<ArrayBuffer>): Generator<FoldedGroups> {
  const reader = new WireReader(bytes);
  for (let left = reader.u32(); left > 0; left--) {
    const count = reader.u32();
    const tags = Array.from({ length: reader.u32() }, () => reader.joined(count));
    const columns = Array.from({ length: reader.u32() }, () => readFolded(reader));
    yield { count, tags, columns };
  }
}

function readFolded(reader: WireReader): FoldedColumn | null {
  const type = reader.u8() as FieldType | 0;
  if (type === 0) return null;
  const which = reader.u16();
  const length = reader.u32();
  const column: Record<string, FoldValues> = {};
  for (let i = 0; i < foldArrays.length; i++) {
    if ((which & (1 << i)) === 0) continue;
    const name = foldArrays[i]!;
    if (isTimes.has(name)) column[name] = reader.times(length);
    else column[name] = reader.numbers(isFloats.has(name) ? FieldType.Float : type, length);
  }
  return { ...(column as unknown as Omit<FoldedColumn, "type">), type };
}

class WireReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #floats: Float64Array;
  readonly #integers: BigInt64Array;
  readonly #unsigned: BigUint64Array;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    // views of 8-byte values count from the start of the buffer
    this.#bytes = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
    const { buffer, byteOffset, length } = this.#bytes;
    this.#view = new DataView(buffer, byteOffset, length);
    this.#floats = new Float64Array(buffer, byteOffset, length >> 3);
    this.#integers = new BigInt64Array(buffer, byteOffset, length >> 3);
    this.#unsigned = new BigUint64Array(buffer, byteOffset, length >> 3);
  }

  u8(): number {
    return this.#bytes[this.#at++]!;
  }

  u16(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  text(): string {
    return text.decode(this.raw(this.u32()));
  }

  raw(sizeBytes: number): Uint8Array {
    this.#at += sizeBytes;
    return this.#bytes.subarray(this.#at - sizeBytes, this.#at);
  }

  times(count: number): BigInt64Array {
    return part(this.#integers, this.#words(count), count);
  }

  numbers(type: FieldType, count: number): FoldValues {
    const at = this.#words(count);
    if (type === FieldType.Integer) return part(this.#integers, at, count);
    if (type === FieldType.Unsigned) return part(this.#unsigned, at, count);
    return part(this.#floats, at, count);
  }

  texts(count: number): string[] {
    this.#at = (this.#at + 7) & ~7;
    const offsets = this.#at;
    const first = offsets + count * 4 + 4;
    const offset = (i: number) => first + this.#view.getUint32(offsets + i * 4, true);
    this.#at = offset(count);
    return Array.from({ length: count }, (_, i) =>
      text.decode(this.#bytes.subarray(offset(i), offset(i + 1))),
    );
  }

  joined(count: number): string[] {
    const all = this.text();
    this.#at = (this.#at + 3) & ~3;
    const values: string[] = new Array(count);
    for (let i = 0, from = 0; i < count; i++) {
      const to = from + this.u32();
      values[i] = all.slice(from, to);
      from = to;
    }
    return values;
  }

  // Index of the first of `count` words.
  #words(count: number): number {
    const at = (this.#at + 7) >> 3;
    this.#at = (at + count) << 3;
    return at;
  }
}

function part<T extends Words>(words: T, at: number, count: number): T {
  const end = at + count;
  return (count < FEW ? words.slice(at, end) : words.subarray(at, end)) as T;
}

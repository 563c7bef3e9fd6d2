// The plain twin of the decoding kernels: reads a page as its format is described (assembly/page.ts, string-page.ts,
// integers-decode.ts, floats.ts), a bit at a time, in bigints.
import { uncompressSync } from "@napi-rs/snappy";

export interface ReadPage {
  /** The 8 bytes of each row, 0 where it has no value. Empty for strings. */
  slots: bigint[];
  present: boolean[];
  /** Strings only. */
  texts: (string | null)[];
}

/** `rows`: of the row group that the page belongs to. */
export function readPage(page: Uint8Array, rows: number): ReadPage {
  const reader = new Reader(page);
  const format = reader.byte();
  const coded = format & 0x1f;
  const rowCount = format & 0x20 ? rows : Number(reader.varint());
  const isText = coded === 5 || coded === 6;
  const heapBytes = isText ? Number(reader.varint()) : 0;
  const bitmap = format & 0x80 ? reader.packed(8 * Math.ceil(rowCount / 8), 1) : null;
  const present = Array.from({ length: rowCount }, (_, row) => bitmap === null || bitmap[row] === 1n);
  const count = present.filter(Boolean).length;
  let texts: string[] = [];
  let slots: bigint[] = [];
  if (isText) texts = readTexts(reader, format, count, heapBytes);
  else slots = readNumbers(reader, coded, count);
  if (!reader.ended) throw new Error("page has bytes after its last section");
  let next = 0;
  const places = present.map((here) => (here ? next++ : -1));
  return {
    slots: isText ? [] : places.map((place) => (place < 0 ? 0n : slots[place]!)),
    present,
    texts: isText ? places.map((place) => (place < 0 ? null : texts[place]!)) : [],
  };
}

class Reader {
  #at = 0;
  readonly #bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }
  byte(): number {
    return this.take(1)[0]!;
  }
  take(count: number): Uint8Array {
    if (this.#at + count > this.#bytes.length) throw new Error("page ends early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
  rest(): number {
    return this.#bytes.length - this.#at;
  }
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(this.byte());
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
  }
  signed(): bigint {
    return unzigzag(this.varint());
  }
  /** `count` numbers of `width` bits, least significant bit first. */
  packed(count: number, width: number): bigint[] {
    const bytes = this.take(Math.ceil((count * width) / 8));
    const bit = (index: number) => (bytes[index >> 3]! >> (index & 7)) & 1;
    return Array.from({ length: count }, (_, i) => {
      let value = 0n;
      for (let k = 0; k < width; k++) if (bit(i * width + k)) value |= 1n << BigInt(k);
      return value;
    });
  }
}

const unzigzag = (z: bigint) => (z & 1n ? -((z + 1n) >> 1n) : z >> 1n);
const widthOf = (x: number) => (x <= 0 ? 0 : x.toString(2).length);
const u64 = (x: bigint) => BigInt.asUintN(64, x);

function readIntegers(reader: Reader, count: number): bigint[] {
  if (count === 0) return [];
  const flags = reader.byte();
  const [order, zigzag, unary, patch, scaled] = [1, 2, 4, 8, 16].map((bit) => (flags & bit) !== 0);
  const [last, level] = [64, 128].map((bit) => (flags & bit) !== 0);
  const width = reader.byte();
  const base = reader.signed();
  const centre = order && !level ? reader.signed() : 0n;
  const scaleByte = scaled ? reader.byte() : 0;
  const scale = scaleByte >= 64 ? 2n ** BigInt(scaleByte - 64) : 10n ** BigInt(scaleByte);
  let planeSize = unary && !last ? Number(reader.varint()) : 0;
  const patchCount = patch ? Number(reader.varint()) : 0;
  const patchWidth = patch ? reader.byte() : 0;
  const coded = order ? count - 1 : count;
  const residuals = reader.packed(coded, width);
  const patchBytes =
    Math.ceil((patchCount * widthOf(coded - 1)) / 8) + Math.ceil((patchCount * patchWidth) / 8);
  if (unary && last) planeSize = reader.rest() - patchBytes;
  const plane = reader.packed(8 * planeSize, 1);
  let at = 0;
  if (unary)
    residuals.forEach((low, i) => {
      let zeros = 0n;
      while (plane[at++] === 0n) zeros++;
      residuals[i] = low | (zeros << BigInt(width));
    });
  const rows = reader.packed(patchCount, widthOf(coded - 1));
  reader.packed(patchCount, patchWidth).forEach((high, i) => {
    residuals[Number(rows[i])]! |= high << BigInt(width);
  });
  const offsets = residuals.map((z) => (zigzag ? unzigzag(z) : z));
  if (!order) return offsets.map((x) => u64(base + x * scale));
  let sum = base;
  const numbers = [u64(base)];
  for (const x of offsets) {
    sum += (centre + x) * scale;
    numbers.push(u64(sum));
  }
  return numbers;
}

function readNumbers(reader: Reader, coded: number, count: number): bigint[] {
  if (count === 0 || coded === 1) return readIntegers(reader, count);
  if (coded === 2) return reader.packed(count, 64);
  if (coded === 4) {
    const mirror = 2n ** 63n;
    return readIntegers(reader, count).map((x) => (x < mirror ? x : x ^ (mirror - 1n)));
  }
  const power = 10 ** reader.byte();
  const exceptionCount = coded === 7 ? 0 : Number(reader.varint());
  const rows = reader.packed(exceptionCount, widthOf(count - 1));
  const exceptions = reader.packed(exceptionCount, 64);
  const slots = readIntegers(reader, count).map((x) => bitsOf(Number(BigInt.asIntN(64, x)) / power));
  exceptions.forEach((bits, i) => {
    slots[Number(rows[i])] = bits;
  });
  return slots;
}

const number = new Float64Array(1);
const bits = new BigUint64Array(number.buffer);
function bitsOf(x: number): bigint {
  number[0] = x;
  return bits[0]!;
}

function readTexts(reader: Reader, format: number, count: number, heapBytes: number): string[] {
  const dictionary = (format & 0x3f) === 6;
  const distinct = dictionary ? Number(reader.varint()) : count;
  const codes = dictionary ? readIntegers(reader, count) : null;
  const lengths = readIntegers(reader, distinct);
  const stored = reader.take(reader.rest() - 4);
  const trailer = reader.take(4);
  if (new DataView(trailer.buffer, trailer.byteOffset).getUint32(0, true) !== stored.length)
    throw new Error("string page has another heap size in its trailer");
  const heap = format & 0x40 ? (uncompressSync(stored) as Uint8Array) : stored;
  if (heap.length !== heapBytes) throw new Error("string page has another heap size in its header");
  let offset = 0;
  const entries = lengths.map((length) => {
    offset += Number(length);
    return new TextDecoder().decode(heap.subarray(offset - Number(length), offset));
  });
  return codes ? codes.map((code) => entries[Number(code)]!) : entries;
}

// The two ends of every structure in a segment that is not a page: bytes appended, bytes read back with bounds.
//
// Numbers are little-endian. A varint is LEB128: 7 bits a byte, low bits first, the top bit set on all but the
// last; at most 8 bytes, so every varint is exact as a JavaScript number (below 2^53). A zigzag varint holds a signed
// number n as 2n, or as -2n - 1 below 0. Those of 64 bits (10 bytes at most) hold any int64, and are bigints.
//
// Each read names what it reads. An ordinary cursor drops the name; the one of `inspect` notes it, so that the
// annotated dump comes from the very parser that opens the file and can never tell another story.
import { assert } from "../base/assert.ts";
import { CorruptionError } from "../base/errors.ts";

const text = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const TWO_TO_32 = 0x1_0000_0000;

/** Bytes that grow at the end. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What was written so far: a view, valid until the next write. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  clear(): void {
    this.#size = 0;
  }

  u8(value: number): void {
    const at = this.#extend(1);
    this.#bytes[at] = value;
  }

  u32(value: number): void {
    const at = this.#extend(4); // (makes a new view when it grows)
    this.#view.setUint32(at, value, true);
  }

  /** An unsigned number below 2^53, in 8 bytes. */
  u64(value: number): void {
    this.u32(value % TWO_TO_32);
    this.u32(Math.floor(value / TWO_TO_32));
  }

  i64(value: bigint): void {
    const at = this.#extend(8); // (makes a new view when it grows)
    this.#view.setBigInt64(at, value, true);
  }

  f64(value: number): void {
    const at = this.#extend(8); // (makes a new view when it grows)
    this.#view.setFloat64(at, value, true);
  }

  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `${value} is no varint`);
    let at = this.#extend(8);
    let rest = value;
    for (; rest >= 0x80; rest = rest >= TWO_TO_32 ? Math.floor(rest / 128) : rest >>> 7) {
      this.#bytes[at++] = (rest & 0x7f) | 0x80;
    }
    this.#bytes[at++] = rest;
    this.#size = at;
  }

  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** Modulo 2^64. */
  zigzag64(value: bigint): void {
    const number = BigInt.asIntN(64, value);
    let rest = BigInt.asUintN(64, (number << 1n) ^ (number >> 63n));
    for (; rest >= 0x80n; rest >>= 7n) this.u8(Number(rest & 0x7fn) | 0x80);
    this.u8(Number(rest));
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#extend(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Varint length, then UTF-8. */
  text(value: string): void {
    const bytes = text.encode(value);
    this.varint(bytes.length);
    this.bytes(bytes);
  }

  #extend(sizeBytes: number): number {
    const at = this.#size;
    if (at + sizeBytes > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + sizeBytes));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#size = at + sizeBytes;
    return at;
  }
}

/** Reads `file`'s bytes from `at` to `end`; a read past `end` is a `CorruptionError` at the place. */
export class Cursor {
  readonly #view: DataView;
  #end = 0;

  constructor(
    readonly file: string,
    readonly source: Uint8Array,
    public at: number,
    end: number,
  ) {
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.moveTo(at, end);
  }

  get end(): number {
    return this.#end;
  }

  /** From now on reads from `at` to `end`: cheaper than another cursor. */
  moveTo(at: number, end: number): this {
    if (!(at >= 0 && at <= end && end <= this.source.length))
      assert(false, `cursor ${at}-${end} outside of ${this.file}`);
    this.at = at;
    this.#end = end;
    return this;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  fail(reason: string, offset = this.at): never {
    throw new CorruptionError(this.file, offset, reason);
  }

  u8(label: string): number {
    const value = this.#view.getUint8(this.#take(1, label));
    this.note(1, label, value);
    return value;
  }

  u32(label: string): number {
    const value = this.#view.getUint32(this.#take(4, label), true);
    this.note(4, label, value);
    return value;
  }

  /** A u32 that the dump shows in hexadecimal. */
  checksum(label: string): number {
    const value = this.#view.getUint32(this.#take(4, label), true);
    this.note(4, label, value, 16);
    return value;
  }

  /** 8 bytes that must hold an unsigned number below 2^53. */
  u64(label: string): number {
    const at = this.#take(8, label);
    const value = this.#view.getUint32(at + 4, true) * TWO_TO_32 + this.#view.getUint32(at, true);
    if (value > Number.MAX_SAFE_INTEGER) this.fail(`${label} is out of range`, at);
    this.note(8, label, value);
    return value;
  }

  i64(label: string): bigint {
    const value = this.#view.getBigInt64(this.#take(8, label), true);
    this.note(8, label, value);
    return value;
  }

  f64(label: string): number {
    const value = this.#view.getFloat64(this.#take(8, label), true);
    this.note(8, label, value);
    return value;
  }

  varint(label: string): number {
    const start = this.at;
    const value = this.#varint(label);
    this.note(this.at - start, label, value);
    return value;
  }

  zigzag(label: string): number {
    const start = this.at;
    const coded = this.#varint(label);
    const value = coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2;
    this.note(this.at - start, label, value);
    return value;
  }

  zigzag64(label: string): bigint {
    const start = this.at;
    const { source } = this;
    let low = 0; // of the first seven bytes: exact as a number
    let high = 0n; // of the others
    for (let i = 0, scale = 1; ; i++, scale *= 128) {
      if (start + i >= this.#end) this.fail(`${label} runs past its end`);
      const byte = source[start + i]!;
      if (i < 7) low += (byte & 0x7f) * scale;
      else high |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) {
        this.at = start + i + 1;
        break;
      }
      if (i === 9) this.fail(`${label} is a varint that does not end`, start);
    }
    let value = BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2);
    if (high > 0n) {
      const coded = BigInt(low) | high;
      value = BigInt.asIntN(64, (coded >> 1n) ^ -(coded & 1n));
    }
    this.note(this.at - start, label, value);
    return value;
  }

  /** A varint that counts things of which each takes at least `leastBytes` bytes of what remains. */
  count(label: string, leastBytes: number): number {
    const start = this.at;
    const value = this.varint(label);
    if (value * leastBytes > this.remaining) this.fail(`${label} ${value} does not fit the file`, start);
    return value;
  }

  /** A view (no copy) of the next bytes. */
  bytes(sizeBytes: number, label: string): Uint8Array {
    const at = this.#take(sizeBytes, label);
    const bytes = this.source.subarray(at, at + sizeBytes);
    this.note(sizeBytes, label, bytes);
    return bytes;
  }

  /** Passes over bytes that another cursor reads. */
  skip(sizeBytes: number, label: string): void {
    this.#take(sizeBytes, label);
  }

  /** Varint length, then UTF-8. */
  text(label: string): string {
    const sizeBytes = this.varint(`${label} length`);
    const at = this.#take(sizeBytes, label);
    let value: string;
    try {
      value = utf8.decode(this.source.subarray(at, at + sizeBytes));
    } catch {
      this.fail(`${label} is not UTF-8`, at);
    }
    this.note(sizeBytes, label, value);
    return value;
  }

  /** One character a byte: for magic numbers. */
  latin(sizeBytes: number, label: string): string {
    const at = this.#take(sizeBytes, label);
    const value = String.fromCharCode(...this.source.subarray(at, at + sizeBytes));
    this.note(sizeBytes, label, value);
    return value;
  }

  /** The line that the annotated dump shows for the `sizeBytes` just read. */
  protected note(
    _sizeBytes: number,
    _label: string,
    _value: number | bigint | string | Uint8Array,
    _radix = 10,
  ): void {}

  /** Starts a part of the dump. */
  section(_title: string): void {}

  #varint(label: string): number {
    const start = this.at;
    const { source } = this;
    const end = this.#end;
    let value = 0;
    for (let scale = 1, at = start; ; scale *= 128) {
      if (at >= end) {
        this.at = at;
        this.fail(`${label} runs past its end`);
      }
      const byte = source[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.at = at;
        break;
      }
      if (at - start === 8) {
        this.at = at;
        this.fail(`${label} is a varint that does not end`, start);
      }
    }
    if (value > Number.MAX_SAFE_INTEGER) this.fail(`${label} is out of range`, start);
    return value;
  }

  #take(sizeBytes: number, label: string): number {
    const at = this.at;
    if (sizeBytes > this.#end - at) this.fail(`${label} runs past its end`);
    this.at = at + sizeBytes;
    return at;
  }
}

/// <reference path="./wasm.d.ts" />
// One instance of the WebAssembly kernels with its own linear memory: an open database has one per thread.
//
// Linear memory is handed out in areas (assembly/area.ts). A JavaScript view of linear memory dies when the
// memory grows, so views are made on demand and used at once; pointers are plain numbers (bytes from 0).
import { readFileSync } from "node:fs";
import { assert } from "../base/assert.ts";
import { OverloadedError } from "../base/errors.ts";
import { giveBack } from "../base/give-back.ts";
import { Stages } from "../base/stages.ts";
import type { KernelExports } from "./exports.ts";
import path from "./kernels.wasm" with { type: "file" };

/** A byte offset in linear memory, 0 to 2^32 - 1; 0 is never a valid area. */
export type Pointer = number;

/** The allocator hands out nothing larger (assembly/area.ts). */
const LARGEST_AREA = 2 ** 30;

/** Of an area that is free, what the allocator keeps in it. */
const FREE_HEAD_BYTES = 8;
/** Pages of areas (64 KiB) handed out between two calls of `rest`: with no more of them it is quiet, ... */
const QUIET_PAGES = 64;
/** ... and with fewer since free areas were given back it is not worth while. */
const WORTHWHILE_PAGES = 16;

let compiled: WebAssembly.Module | undefined;

/** The kernels, compiled once in a process: who gives it to another thread shares with it what the runtime makes faster later. */
export function compiledKernels(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(path));
  return compiled;
}

/** The kernels as another thread compiled them; before the first `Kernels` here. */
export function adoptKernels(module: WebAssembly.Module): void {
  compiled ??= module;
}

export class Kernels {
  /** The kernels themselves, as compiled: pointers come back signed above 2 GiB, so use `>>> 0` on them. */
  readonly call: KernelExports;
  /** What was done with these kernels took so long: whoever does a stage's work has them at hand. */
  readonly stages = new Stages();
  // (of no length, as those are of a memory that has grown: made when they are asked for)
  #bytes = new Uint8Array(0);
  #doubles = new Float64Array(0);
  #longs = new BigInt64Array(0);
  #words = new Uint32Array(0);
  /** Pages handed out until the last call of `rest`, and until free areas were given back. */
  #takenPages = 0;
  #givenBackPages = 0;

  constructor() {
    this.call = new WebAssembly.Instance(compiledKernels(), {}).exports as unknown as KernelExports;
  }

  /** The whole of linear memory. Valid until the next call that may grow it. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#viewAnew();
    return this.#bytes;
  }

  /** The same as f64: value `pointer >>> 3` stands at `pointer`. A view of a part costs as much as reading many values. */
  get doubles(): Float64Array {
    if (this.#doubles.length === 0) this.#viewAnew();
    return this.#doubles;
  }

  /** The same as i64. */
  get longs(): BigInt64Array {
    if (this.#longs.length === 0) this.#viewAnew();
    return this.#longs;
  }

  /** The same as u32: value `pointer >>> 2` stands at `pointer`. */
  get words(): Uint32Array {
    if (this.#words.length === 0) this.#viewAnew();
    return this.#words;
  }

  // Views have no length any more once the memory has grown.
  #viewAnew(): void {
    const { buffer } = this.call.memory;
    this.#bytes = new Uint8Array(buffer);
    this.#doubles = new Float64Array(buffer);
    this.#longs = new BigInt64Array(buffer);
    this.#words = new Uint32Array(buffer);
  }

  get buffer(): ArrayBuffer {
    return this.bytes.buffer as ArrayBuffer;
  }

  /** A new area of at least `sizeBytes`; throws `OverloadedError` when linear memory (4 GiB) is exhausted. */
  alloc(sizeBytes: number): Pointer {
    // above 4 GiB the kernel would see what is left of the number in 32 bits
    const pointer = sizeBytes > LARGEST_AREA ? 0 : this.call.areaAlloc(sizeBytes) >>> 0;
    if (pointer === 0)
      throw new OverloadedError(`out of linear memory: no area of ${sizeBytes} bytes is free`);
    return pointer;
  }

  /** Gives an area from `alloc` (or from a kernel that hands out areas) back. */
  free(pointer: Pointer): void {
    assert(pointer !== 0, "free of a null area");
    this.call.areaFree(pointer);
  }

  /** Copies bytes into linear memory. */
  put(pointer: Pointer, source: Uint8Array): void {
    this.bytes.set(source, pointer);
  }

  /** A view (no copy) of linear memory. Valid until the next call that may grow it. */
  view(pointer: Pointer, sizeBytes: number): Uint8Array {
    return new Uint8Array(this.buffer, pointer, sizeBytes);
  }

  f64(pointer: Pointer, count: number): Float64Array {
    return new Float64Array(this.buffer, pointer, count);
  }

  i64(pointer: Pointer, count: number): BigInt64Array {
    return new BigInt64Array(this.buffer, pointer, count);
  }

  u32(pointer: Pointer, count: number): Uint32Array {
    return new Uint32Array(this.buffer, pointer, count);
  }

  /**
   * Called from time to time: while little is asked for, free areas go back to the system. Linear memory never shrinks, and
   * what a load or a large query has touched would stay for good.
   */
  rest(): void {
    const taken = this.call.areaTaken() >>> 0;
    const isQuiet = (taken - this.#takenPages) >>> 0 <= QUIET_PAGES;
    this.#takenPages = taken;
    if (!isQuiet || (taken - this.#givenBackPages) >>> 0 < WORTHWHILE_PAGES) return;
    this.#givenBackPages = taken;
    for (let at = this.call.areaNextFree(0) >>> 0; at !== 0; ) {
      const sizeBytes = this.call.areaSize(at) >>> 0;
      giveBack(this.view(at + FREE_HEAD_BYTES, sizeBytes - FREE_HEAD_BYTES));
      at = this.call.areaNextFree(at + sizeBytes) >>> 0;
    }
  }

  /** Bytes of linear memory in live areas. */
  get usedBytes(): number {
    return this.call.areaUsed() >>> 0;
  }
}

/**
 * One area that grows to the largest size asked of it and is reused: scratch for one kernel call at a time.
 * Its contents are lost at every `reserve`.
 */
export class Scratch {
  readonly #kernels: Kernels;
  #pointer: Pointer = 0;
  #sizeBytes = 0;

  constructor(kernels: Kernels) {
    this.#kernels = kernels;
  }

  /** What it holds now. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  reserve(sizeBytes: number): Pointer {
    if (sizeBytes > this.#sizeBytes || this.#pointer === 0) {
      this.release();
      this.#pointer = this.#kernels.alloc(sizeBytes);
      this.#sizeBytes = this.#kernels.call.areaSize(this.#pointer) >>> 0;
    }
    return this.#pointer;
  }

  release(): void {
    if (this.#pointer !== 0) this.#kernels.free(this.#pointer);
    this.#pointer = 0;
    this.#sizeBytes = 0;
  }
}

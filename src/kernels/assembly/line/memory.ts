// Scratch memory of one parse: a bump allocator over areas, and vectors that grow in chunks of it.
//
// Nothing is freed before the parse ends: `releaseAll` then gives every area back. Out of memory is a trap, not
// a result to check at every store: the caller sees it, asks `exhausted`, and releases all (ingest/line.ts).
import { areaAlloc, areaFree, areaSize } from "../area";

const FIRST_AREA: u32 = 1 << 16;
const LARGEST_AREA: u32 = 1 << 22;
const LARGEST_CHUNK: u32 = 1 << 16;
// no honest body of the size that servers take comes near: only names by the million do
const LARGEST_SCRATCH: u32 = 1 << 30;

/** Why a parse trapped. */
export const OUT_OF_MEMORY: u32 = 1;
export const TOO_MUCH_SCRATCH: u32 = 2;

let areas: usize = 0; // the newest area; the first 4 bytes of each point to the one before
let top: usize = 0;
let limit: usize = 0;
let areaBytes: u32 = FIRST_AREA;
let scratchBytes: u32 = 0;
let reason: u32 = 0;

/** OUT_OF_MEMORY or TOO_MUCH_SCRATCH after a trap for want of memory, else 0. */
export function exhausted(): u32 {
  return reason;
}

/** An area of the parse's own, or a trap. */
export function mustAlloc(bytes: u32): usize {
  const area = areaAlloc(bytes);
  if (area == 0) {
    reason = OUT_OF_MEMORY;
    unreachable();
  }
  return area;
}

/** `bytes` of scratch at a multiple of 8, uninitialised. */
export function allocate(bytes: u32): usize {
  const size = (bytes + 7) & ~7;
  if (<usize>size > limit - top) refill(size);
  const p = top;
  top += size;
  return p;
}

function refill(bytes: u32): void {
  if (areas != 0) areaBytes = min(areaBytes << 1, LARGEST_AREA);
  if (scratchBytes > LARGEST_SCRATCH || bytes > LARGEST_SCRATCH) {
    reason = TOO_MUCH_SCRATCH;
    unreachable();
  }
  const area = mustAlloc(max(areaBytes, bytes + 8));
  scratchBytes += areaSize(area);
  store<usize>(area, areas);
  areas = area;
  top = area + 8;
  limit = area + areaSize(area);
}

/** Gives all scratch back. */
export function releaseAll(): void {
  while (areas != 0) {
    const before = load<usize>(areas);
    areaFree(areas);
    areas = before;
  }
  top = 0;
  limit = 0;
  areaBytes = FIRST_AREA;
  scratchBytes = 0;
  reason = 0;
}

/** Elements of one size, in a chain of chunks that double. A chunk: u32 next, u32 bytes of data, the data. */
@unmanaged
export class Vector {
  /** Where the next element goes; equal to `end` when the chunk is full. */
  position: usize;
  end: usize;
  first: usize;
  last: usize;
}

export function initVector(vector: Vector): void {
  vector.position = 0;
  vector.end = 0;
  vector.first = 0;
  vector.last = 0;
}

/** Makes room for one more element; returns its place, which `position` still names. */
export function growVector(vector: Vector, elementBytes: u32): usize {
  const last = vector.last;
  const bytes: u32 = last == 0 ? elementBytes << 2 : min(load<u32>(last, 4) << 1, LARGEST_CHUNK);
  const chunk = allocate(8 + bytes);
  store<u32>(chunk, 0);
  store<u32>(chunk, bytes, 4);
  if (last == 0) vector.first = chunk;
  else store<u32>(last, <u32>chunk);
  vector.last = chunk;
  vector.position = chunk + 8;
  vector.end = chunk + 8 + bytes;
  return chunk + 8;
}

/** Bytes of data in a chunk of a vector. */
@inline export function chunkBytes(vector: Vector, chunk: usize): u32 {
  return chunk == vector.last ? <u32>(vector.position - chunk - 8) : load<u32>(chunk, 4);
}

/** Copies all elements to `out`; returns the end of the copy. */
export function copyVector(vector: Vector, out: usize): usize {
  let to = out;
  for (let chunk = vector.first; chunk != 0; chunk = load<u32>(chunk)) {
    const bytes = chunkBytes(vector, chunk);
    memory.copy(to, chunk + 8, bytes);
    to += bytes;
  }
  return to;
}

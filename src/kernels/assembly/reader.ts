// The cursor that decoders read a page through: nothing is read past the page's end, whatever its bytes say.
//
// A read that would leave the page answers 0 and sets `failed` for good, so that a decoder checks once after a
// header instead of at each read. One page is decoded at a time, so the cursor is the instance's own state.

let next: usize = 0;
let limit: usize = 0;
let failed: bool = false;

export function openPage(page: usize, sizeBytes: u32): void {
  next = page;
  limit = page + sizeBytes;
  failed = limit < page;
}

/** Whether some read has left the page since `openPage`. */
export function pageFailed(): bool {
  return failed;
}

/** Whether everything was read, no more and no less. */
export function pageEnded(): bool {
  return !failed && next == limit;
}

/** Where the page ends. */
export function pageEnd(): usize {
  return limit;
}

/** How many bytes are left to read. */
export function bytesLeft(): u32 {
  return failed ? 0 : <u32>(limit - next);
}

export function readByte(): u32 {
  if (next >= limit) {
    failed = true;
    return 0;
  }
  return load<u8>(next++);
}

/** LEB128 of at most 64 bits; a longer one fails. */
export function readVarint(): u64 {
  let x: u64 = 0;
  for (let shift: u64 = 0; shift < 64; shift += 7) {
    const byte = <u64>readByte();
    x |= (byte & 0x7f) << shift;
    if (byte < 0x80) return x;
  }
  failed = true;
  return 0;
}

/** Skips a section of `sizeBytes`; returns where it starts, or 0 (and fails) when the page is shorter. */
export function takeBytes(sizeBytes: u64): usize {
  if (failed || sizeBytes > <u64>(limit - next)) {
    failed = true;
    return 0;
  }
  const start = next;
  next += <usize>sizeBytes;
  return start;
}

// Calls of the C library that Bun does not have.
import { dlopen, type FFIFunction, ptr } from "bun:ffi";

const names =
  process.platform === "darwin"
    ? ["libSystem.B.dylib"]
    : ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** The functions, or null where they cannot be reached (no bun:ffi, an unknown libc). */
export function loadLibc<Functions extends Record<string, FFIFunction>>(functions: Functions) {
  for (const name of names) {
    try {
      return dlopen(name, functions).symbols;
    } catch {
      // not this libc: try the next name
    }
  }
  return null;
}

/** Where the bytes lie in the memory of the process. */
export function addressOf(bytes: Uint8Array): number {
  return ptr(bytes);
}

// The bytes that mean something in line protocol, and where a line ends.
//
// The body is followed by a newline (a sentinel that the caller puts there) and at least 16 more bytes that may
// be read.

export const NEWLINE: u8 = 0x0a;
export const RETURN: u8 = 0x0d;
export const SPACE: u8 = 0x20;
export const TAB: u8 = 0x09;
export const QUOTE: u8 = 0x22;
export const HASH: u8 = 0x23;
export const COMMA: u8 = 0x2c;
export const MINUS: u8 = 0x2d;
export const DOT: u8 = 0x2e;
export const EQUALS: u8 = 0x3d;
export const BACKSLASH: u8 = 0x5c;

/** Where the body ends: the place of the sentinel. */
export let bodyEnd: usize = 0;
export function setBodyEnd(end: usize): void { bodyEnd = end; }

/** A newline, or a carriage return before one. */
@inline export function atLineEnd(p: usize): bool {
  const c = load<u8>(p);
  return c == NEWLINE || (c == RETURN && load<u8>(p, 1) == NEWLINE);
}

/**
 * Whether the newline at `p` belongs to a name: behind an odd number of backslashes, and not the last byte of
 * the body.
 */
export function newlineEscaped(p: usize, lineStart: usize): bool {
  if (p + 1 >= bodyEnd) return false;
  let q = p;
  while (q > lineStart && load<u8>(q - 1) == BACKSLASH) q--;
  return ((p - q) & 1) != 0;
}

/** Skips what may stand between sections. */
@inline export function skipBlank(start: usize): usize {
  let p = start;
  while (true) {
    const c = load<u8>(p);
    if (c != SPACE && c != TAB && (c != 0 || p >= bodyEnd)) return p;
    p++;
  }
}

/**
 * End of the line that starts at `start` and could not be parsed: its first newline that is neither escaped nor
 * in a quoted value. A quote opens a value after the first blank when there were more `=` than `,`.
 */
export function lineEnd(start: usize): usize {
  let quoted = false;
  let fields = false;
  let open: i32 = 0; // `=` less `,`
  let p = start;
  while (p < bodyEnd) {
    const c = load<u8>(p);
    if (c == BACKSLASH && p + 2 < bodyEnd) {
      p += 2;
      continue;
    }
    if (c == NEWLINE && !quoted) return p;
    if (c == SPACE) fields = true;
    if (fields) {
      if (c == QUOTE && open > 0) quoted = !quoted;
      else if (!quoted && c == EQUALS) open++;
      else if (!quoted && c == COMMA) open--;
    }
    p++;
  }
  return bodyEnd;
}

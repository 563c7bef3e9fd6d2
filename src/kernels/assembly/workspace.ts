// Fixed room for what a codec computes on the way: one call at a time, nothing survives it.
//
// Static zero pages: they take memory only once a page with that many rows is encoded.

/** Rows that one page can hold. */
export const MAX_ROWS: u32 = 65536;

/** 8 bytes a row: a column's values without the gaps of its nulls. */
export const dense: usize = memory.data(65536 * 8);
/** 8 bytes a row: the integers of decimal floats or of ordered float bits; the codes of strings. */
export const integers: usize = memory.data(65536 * 8);
/** 8 bytes a row: residuals of the integer codec. */
export const residuals: usize = memory.data(65536 * 8);
/** 8 bytes a row: rows of exceptions. */
export const rows: usize = memory.data(65536 * 8);
/** 1 byte a row, and a group of sixteen: high parts of residuals. */
export const highs: usize = memory.data(65536 + 16);
/** 1 byte a row, one before the first, and as many as eight bytes can hold: where a plane's ones stand. */
export const places: usize = memory.data(1 + 65536 + 72);
/** 8 bytes a row: slots of distinct strings. */
export const entries: usize = memory.data(65536 * 8);
/** 1 byte a row: the rows that count in a fold. */
export const chosen: usize = memory.data(65536);
/** 4 bytes a row, and a group of eight and a row: residuals, then sums, that fit 32 bits. */
export const sums: usize = memory.data(65536 * 4 + 48);
/** 2 bytes a row, and a group of eight: steps from a number to the next. */
export const steps: usize = memory.data(65536 * 2 + 32);
/** 8 bytes a row: the window of a run of rows, and the row behind it. */
export const runs: usize = memory.data(65536 * 8);

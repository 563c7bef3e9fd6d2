// Which rows a codec looks at before it decides.

/** Row `i` of `taken` among `rows`: multiples of the golden ratio fall evenly, and never in step with a period of the data. */
// @ts-ignore: decorator
@inline export function sampleRow(i: u32, taken: u32, rows: u32): u32 {
  return taken == rows ? i : <u32>((<u64>(i * 0x9e3779b9) * rows) >> 32);
}

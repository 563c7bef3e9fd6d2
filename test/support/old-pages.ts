// Pages of numbers as serie wrote them up to version 2 of the format of segments: the row count in the page, a count of exceptions
// also where there are none, the size of a unary plane and a centre of 0 told.
const [INTEGERS, DECIMAL, ORDERED, ALL_DECIMAL] = [1, 3, 4, 7];
const [ORDER, UNARY, PATCH, SCALE, LAST, LEVEL] = [1, 4, 8, 16, 64, 128];

/** The same page in the old form. `rows`: of the page, `values`: those that have one. */
export function asVersion2(page: Uint8Array, rows: number, values: number): Uint8Array {
  const coded = page[0]! & 0x1f;
  const nulls = page[0]! & 0x80;
  const out = [(coded === ALL_DECIMAL ? DECIMAL : coded) | nulls, ...varint(rows)];
  let at = 1;
  const keep = (count: number) => {
    out.push(...page.subarray(at, at + count));
    at += count;
  };
  const keepVarint = () => {
    let end = at;
    while (page[end]! >= 0x80) end++;
    const value = page.subarray(at, end + 1).reduceRight((sum, byte) => sum * 128 + (byte & 0x7f), 0);
    keep(end + 1 - at);
    return value;
  };
  if (nulls) keep(Math.ceil(rows / 8));
  if (coded === ALL_DECIMAL) {
    keep(1);
    out.push(0);
  } else if (coded === DECIMAL) {
    keep(1);
    const exceptions = keepVarint();
    keep(Math.ceil((exceptions * widthOf(values - 1)) / 8) + 8 * exceptions);
  }
  if (values > 0 && [INTEGERS, DECIMAL, ORDERED, ALL_DECIMAL].includes(coded)) {
    const flags = page[at++]!;
    out.push(flags & ~(LAST | LEVEL));
    const width = page[at]!;
    keep(1);
    keepVarint();
    if (flags & LEVEL) out.push(0);
    else if (flags & ORDER) keepVarint();
    if (flags & SCALE) keep(1);
    const [head, headAt] = [out.length, at];
    const patches = flags & PATCH ? keepVarint() : 0;
    const patchWidth = flags & PATCH ? page[at]! : 0;
    keep(flags & PATCH ? 1 : 0);
    const residuals = values - (flags & ORDER);
    const sections = [residuals * width, patches * widthOf(residuals - 1), patches * patchWidth];
    const planeBytes = page.length - at - sections.reduce((sum, bits) => sum + Math.ceil(bits / 8), 0);
    if (flags & UNARY)
      out.splice(head, out.length - head, ...varint(planeBytes), ...page.subarray(headAt, at));
  }
  keep(page.length - at);
  return Uint8Array.from(out);
}

const widthOf = (x: number) => (x <= 0 ? 0 : x.toString(2).length);

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

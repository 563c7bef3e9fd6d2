// Floats parsed by the kernels have the bits that JavaScript's own Number() gives, and xxHash64 is Bun's.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { LineParser } from "../src/ingest/line.ts";
import { loadPowersOfFive } from "../src/ingest/powers.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { openBatch } from "../src/model/batchview.ts";

const kernels = new Kernels();
loadPowersOfFive(kernels);
const parser = new LineParser(kernels);
const scratch = kernels.alloc(1 << 16);
const utf8 = new TextEncoder();

function parseDecimal(digits: string): number {
  const { written } = utf8.encodeInto(digits, kernels.view(scratch, 1 << 16));
  return kernels.call.parseDecimal(scratch, scratch + written);
}

/** What the fields of as many lines as there are numbers hold. */
function parseFields(numbers: readonly string[]): Float64Array {
  const body = utf8.encode(numbers.map((number, i) => `m f=${number} ${i}\n`).join(""));
  const parsed = parser.parse(body, { database: "db", nowNs: 0n });
  const bytes = kernels.view(parsed.batch, parsed.batchBytes).slice();
  parsed.free();
  expect(parsed.errors).toEqual([]);
  const field = openBatch(bytes).tables[0]!.fields[0]!;
  return new Float64Array(bytes.buffer, field.valuesOffset, field.valueCount);
}

/** Both ways into the parser against Number(), bit for bit. */
function compare(numbers: readonly string[]): void {
  const fields = parseFields(numbers);
  let wrong = 0;
  for (const [i, number] of numbers.entries()) {
    const expected = Number(number);
    const negative = number.startsWith("-");
    const direct = parseDecimal(negative ? number.slice(1) : number);
    if (Object.is(fields[i], expected) && Object.is(negative ? -direct : direct, expected)) continue;
    if (wrong++ < 5) expect(`${number} = ${fields[i]}, ${direct}`).toBe(`${number} = ${expected}`);
  }
  expect(wrong).toBe(0);
}

let state = 20261123n;
/** A 64-bit xorshift: the same numbers in every run. */
function random64(): bigint {
  state ^= (state << 13n) & 0xffff_ffff_ffff_ffffn;
  state ^= state >> 7n;
  state ^= (state << 17n) & 0xffff_ffff_ffff_ffffn;
  return state;
}

function below(n: number): number {
  return Number(random64() % BigInt(n));
}

function digits(count: number): string {
  let text = "";
  while (text.length < count) text += random64().toString();
  return text.slice(0, count);
}

const bits = new BigUint64Array(1);
const double = new Float64Array(bits.buffer);

function randomDouble(): number {
  do bits[0] = random64();
  while (!Number.isFinite(double[0]!));
  return double[0]!;
}

test("doubles of any bits, printed shortest, with 17 digits, and with few decimals", () => {
  const numbers: string[] = [];
  for (let i = 0; i < 60_000; i++) {
    const value = randomDouble();
    numbers.push(`${value}`.replace("e+", "e"), value.toExponential(16));
    numbers.push((below(1_000_000_000) / 1e4).toFixed(below(8)), `${Number(random64()) / 2 ** 64}`);
  }
  compare(numbers);
});

test("mantissas of 1 to 40 digits, a point anywhere, exponents over the whole range", () => {
  const numbers: string[] = [];
  for (let i = 0; i < 150_000; i++) {
    const text = digits(1 + below(40));
    const point = below(text.length + 1);
    const mantissa = i % 3 === 0 ? text : `${text.slice(0, point)}.${text.slice(point)}`;
    const exponent = i % 2 === 0 ? "" : `e${below(660) - 350}`;
    const number = `${i % 5 === 0 ? "-" : ""}${mantissa}${exponent}`;
    if (Number.isFinite(Number(number))) numbers.push(number);
  }
  expect(numbers.length).toBeGreaterThan(100_000);
  compare(numbers);
});

/** The exact decimal text of m x 2^k. */
function exactText(m: bigint, k: number): string {
  if (k >= 0) return (m << BigInt(k)).toString();
  const scaled = (m * 5n ** BigInt(-k)).toString().padStart(-k + 1, "0");
  return `${scaled.slice(0, k)}.${scaled.slice(k)}`;
}

test("half way between two doubles, and a hair beside it: ties to even", () => {
  const numbers: string[] = [];
  for (let i = 0; i < 3_000; i++) {
    bits[0] = random64() & 0x7fff_ffff_ffff_ffffn;
    if (i % 3 === 0) bits[0] &= 0x000f_ffff_ffff_ffffn; // subnormal
    if (i % 7 === 0) bits[0] &= 0x0000_0000_0000_00ffn; // the smallest of all
    if (!Number.isFinite(double[0]!)) continue;
    const biased = Number(bits[0]! >> 52n);
    const fraction = bits[0]! & 0x000f_ffff_ffff_ffffn;
    const m = biased === 0 ? fraction : fraction | (1n << 52n);
    const half = exactText(2n * m + 1n, Math.max(biased, 1) - 1076);
    numbers.push(
      half,
      half.includes(".") ? `${half}${"0".repeat(below(900))}1` : `${half}.${"0".repeat(below(900))}1`,
    );
    // one less in the last place
    const less = exactText((2n * m + 1n) * 10n - 1n, Math.max(biased, 1) - 1076);
    numbers.push(less.includes(".") ? movePoint(less) : `${less}e-1`);
  }
  compare(numbers);
});

/** A tenth of a decimal text. */
function movePoint(text: string): string {
  return `${text}e-1`;
}

test("the edges of the range", () => {
  const largest =
    "179769313486231570814527423731704356798070567525844996598917476803157260780028538760589558632766878171540458953514382464234321326889464182768467546703537516986049910576551282076245490090389328944075868508455133942304583236903222948165808559332123347747979";
  compare([
    "0",
    "0.0",
    "-0",
    "-0.0",
    "0e5",
    "00000.000001",
    "5e-324",
    "2.4703282292062327208e-324",
    "2.4703282292062328e-324",
    "4.9e-324",
    "2.2250738585072014e-308",
    "2.2250738585072011e-308",
    "2.2250738585072009e-308",
    "1.7976931348623157e308",
    "1e-400",
    "1e-99999999999999999999",
    "0e99999999999999999999",
    "9007199254740993",
    "9007199254740992.999",
    "9007199254740993.00000000000000000001",
    `${largest}e-200`,
    "1e23",
    "8.5e22",
    "123456789012345678",
    "1234567890123456789",
    "12345678901234567890",
    "0.000000000000000000000000000001",
    `1${"0".repeat(308)}`,
    `0.${"0".repeat(320)}1`,
    `1${"0".repeat(400)}e-400`,
    `0.${"0".repeat(400)}1e401`,
    "7.2057594037927933e16",
    "1.e5",
    ".5e1",
  ]);
  expect(parseDecimal("1e309")).toBe(Number.POSITIVE_INFINITY);
  expect(parseDecimal("1.797693134862315808e308")).toBe(Number.POSITIVE_INFINITY);
  for (const bad of ["", ".", "e5", ".e5", "1e", "1e+", "1e5.5", "1.2.3", "1x", "0x10", "1e5e5"])
    expect(parseDecimal(bad)).toBeNaN();
});

test("xxHash64 is Bun's for every length and seed", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      (bytes, seed) => {
        kernels.put(scratch + 3, bytes);
        const hash = BigInt.asUintN(
          64,
          kernels.call.xxHash64(scratch + 3, bytes.length, BigInt.asIntN(64, seed)),
        );
        expect(hash).toBe(Bun.hash.xxHash64(bytes, seed));
      },
    ),
    { numRuns: 2000 },
  );
});

// Prints size and speed of the column codecs, one line a kind of column: bun scripts/bench-codec.ts [rows a page]
import { decodePage, encodePage, maxPageBytes } from "../src/codec/codec.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { FieldType } from "../src/model/types.ts";

const ROWS = Number(process.argv[2] ?? 1000);
const PAGES = 64;
const MEASURE_MS = 400;

/** CPU time, so that a busy machine does not blur the figures. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

let state = 1;
function uniform(): number {
  state = (state + 0x6d2b79f5) | 0;
  let x = Math.imul(state ^ (state >>> 15), 1 | state);
  x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
  return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
}
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

/** N(0,1) steps clamped to [0,100], as TSBS makes its cpu columns. */
function walk(): Float64Array {
  let at = uniform() * 100;
  return Float64Array.from({ length: ROWS }, () => {
    at = Math.min(100, Math.max(0, at + normal()));
    return at;
  });
}
const hundredths = () => walk().map((x) => Math.round(x * 100));
const integers = (list: Float64Array) => BigInt64Array.from(list, (x) => BigInt(x));
function counter(): BigInt64Array {
  let at = uniform() * 1e9;
  return BigInt64Array.from({ length: ROWS }, () => {
    at += uniform() * 1000;
    return BigInt(Math.floor(at));
  });
}

const columns: [string, FieldType, () => Float64Array | BigInt64Array][] = [
  ["two-decimal walk", FieldType.Float, () => hundredths().map((x) => x / 100)],
  ["the same as integers", FieldType.Integer, () => integers(hundredths())],
  ["full-precision walk", FieldType.Float, walk],
  ["constant float", FieldType.Float, () => new Float64Array(ROWS).fill(uniform())],
  ["counter", FieldType.Integer, counter],
  [
    "uniform in 0..99",
    FieldType.Integer,
    () => integers(Float64Array.from({ length: ROWS }, () => Math.floor(uniform() * 100))),
  ],
  [
    "random float bits",
    FieldType.Float,
    () => Float64Array.from({ length: ROWS }, () => normal() * 2 ** (uniform() * 600)),
  ],
  [
    "booleans",
    FieldType.Boolean,
    () => integers(Float64Array.from({ length: ROWS }, () => Math.floor(uniform() * 2))),
  ],
];

/** Runs `once` for a while, twice (the first time compiles); values per second in millions. */
function speed(once: () => void): string {
  let rate = 0;
  for (let round = 0; round < 3; round++) {
    const start = cpuMs();
    let runs = 0;
    while (cpuMs() - start < MEASURE_MS) {
      once();
      runs++;
    }
    rate = Math.max(rate, (runs * PAGES * ROWS) / (cpuMs() - start) / 1e3);
  }
  return rate.toFixed(0).padStart(8);
}

const kernels = new Kernels();
const source = kernels.alloc(PAGES * ROWS * 8);
const room = maxPageBytes(FieldType.Float, ROWS, 0);
const pages = kernels.alloc(PAGES * room);
const values = kernels.alloc(ROWS * 8);
const none = { present: 0, heap: 0, heapBytes: 0 };

console.log(`${"".padEnd(22)} bytes/value  encode    decode   million values/s, ${ROWS} rows a page`);
for (const [name, type, make] of columns) {
  for (let page = 0; page < PAGES; page++)
    kernels.put(source + page * ROWS * 8, new Uint8Array(make().buffer as ArrayBuffer));
  const sizes: number[] = [];
  const encode = speed(() => {
    for (let page = 0; page < PAGES; page++)
      sizes[page] = encodePage(
        kernels,
        { type, rowCount: ROWS, values: source + page * ROWS * 8, ...none },
        pages + page * room,
      );
  });
  const decode = speed(() => {
    for (let page = 0; page < PAGES; page++)
      decodePage(kernels, type, pages + page * room, sizes[page]!, ROWS, { values, present: 0, heap: 0 });
  });
  const size = sizes.reduce((sum, x) => sum + x, 0) / (PAGES * ROWS);
  console.log(`${name.padEnd(22)} ${size.toFixed(3).padStart(8)} ${encode} ${decode}`);
}

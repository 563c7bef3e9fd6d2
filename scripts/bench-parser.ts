// Prints MB/s and rows/s of the line protocol parser alone, over the bodies that the benchmark loads (5,000 rows each).
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineParser } from "../src/ingest/line.ts";
import { Kernels } from "../src/kernels/kernels.ts";
import { type Dataset, generate } from "./bench/dataset.ts";
import { FIELD_COUNT, kindNames, kinds } from "./bench/tsbs.ts";

const options = { database: "benchmark", nowNs: 0n };

export interface ParserSpeed {
  /** 10^6 bytes of line protocol a second, on one core. */
  readonly megabytesPerS: number;
  readonly rowsPerS: number;
}

/** Parses the first bodies of a data set, again and again; the best round counts (the others met other processes). */
export function measureParser(data: Dataset, bodyCount = 20, rounds = 10): ParserSpeed {
  const file = readFileSync(data.bodies.path);
  const list = data.bodies.list.slice(0, bodyCount);
  const bodies = list.map((body) => file.subarray(body.offset, body.offset + body.sizeBytes));
  const parser = new LineParser(new Kernels());
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (const body of bodies) parser.parse(body, options).free();
    bestMs = Math.min(bestMs, performance.now() - start);
  }
  const sizeBytes = list.reduce((sum, body) => sum + body.sizeBytes, 0);
  const rowCount = list.reduce((sum, body) => sum + body.rowCount, 0);
  return { megabytesPerS: sizeBytes / 1e3 / bestMs, rowsPerS: (rowCount / bestMs) * 1e3 };
}

/** Microseconds for a body of one short line: what a call costs besides its bytes. */
function measureOneLine(): number {
  const parser = new LineParser(new Kernels());
  const body = new TextEncoder().encode("cpu,host=a usage=1.5,idle=2i 1451606400000000000\n");
  for (let i = 0; i < 20_000; i++) parser.parse(body, options).free();
  const start = performance.now();
  for (let i = 0; i < 100_000; i++) parser.parse(body, options).free();
  return (performance.now() - start) / 100;
}

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), "serie-bench-"));
  try {
    for (const kind of kinds) {
      const data = generate(folder, kind, { hostCount: 1000, stepCount: 100, batchRows: 5000, seed: 1 });
      const { megabytesPerS, rowsPerS } = measureParser(data);
      const values = ((rowsPerS * FIELD_COUNT) / 1e6).toFixed(1);
      console.log(
        `${kindNames[kind].padEnd(22)} ${megabytesPerS.toFixed(0).padStart(5)} MB/s  ${values.padStart(5)} M values/s`,
      );
    }
    console.log(`one line               ${measureOneLine().toFixed(2)} us a body`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Prints what a segment costs: size per value (and what of it is not pages), time to write, open, and read.
//
//   bun scripts/bench-segment.ts
//
// Two shapes: long series (1,000 hosts x 1,000 steps, ten fields) and high cardinality (300,000 hosts x 1 step).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeDisk } from "../src/disk/node.ts";
import { Kernels, type Pointer } from "../src/kernels/kernels.ts";
import { FieldType } from "../src/model/types.ts";
import { SegmentReader } from "../src/segment/reader.ts";
import { SegmentWriter } from "../src/segment/writer.ts";

const FIELDS = 10;
const GROUP_ROWS = 2048;
const STEP_NS = 10_000_000_000n;

const kernels = new Kernels();
const folder = mkdtempSync(join(tmpdir(), "serie-bench-"));
const areas = {
  times: kernels.alloc(GROUP_ROWS * 8),
  values: kernels.alloc(GROUP_ROWS * 8 * FIELDS),
};

/** A step of TSBS's random walk between 0 and 100, before rounding. */
function walk(value: number): number {
  return Math.min(100, Math.max(0, value + Math.random() * 2 - 1));
}

const key = (id: number) =>
  Buffer.from(
    `cpu,arch=x64,datacenter=eu-west-1b,hostname=host_${id},os=Ubuntu16.04LTS,rack=${id % 97},region=eu-west-1,service=${id % 19},service_environment=production,service_version=${id % 2},team=NYC`,
  );

interface Shape {
  readonly name: string;
  readonly seriesCount: number;
  readonly rowsPerSeries: number;
  readonly round: (value: number) => number;
}

const columns = (rows: Pointer) =>
  Array.from({ length: FIELDS }, (_, f) => ({
    values: rows + f * GROUP_ROWS * 8,
    present: 0,
    heap: 0,
    heapBytes: 0,
  }));

/** Fills a group; returns the time it took, which is not the writer's. */
function fill(shape: Shape, rowCount: number): number {
  const start = performance.now();
  kernels
    .i64(areas.times, rowCount)
    .set(Array.from({ length: rowCount }, (_, i) => BigInt(i % shape.rowsPerSeries) * STEP_NS));
  for (let f = 0; f < FIELDS; f++) {
    const values = kernels.f64(areas.values + f * GROUP_ROWS * 8, rowCount);
    let value = Math.random() * 100;
    for (let i = 0; i < rowCount; i++) {
      value = i % shape.rowsPerSeries === 0 ? Math.random() * 100 : walk(value);
      values[i] = shape.round(value);
    }
  }
  return performance.now() - start;
}

async function write(shape: Shape, path: string): Promise<number> {
  const window = { windowStartNs: 0n, windowEndNs: 604_800_000_000_000n };
  const start = performance.now();
  let fillMs = 0;
  const writer = SegmentWriter.create(nodeDisk, path, kernels, {
    database: "benchmark",
    retentionPolicy: "autogen",
    ...window,
  });
  writer.startTable(
    "cpu",
    Array.from({ length: FIELDS }, (_, f) => ({ name: `usage_${f}`, type: FieldType.Float })),
  );
  const seriesPerGroup = Math.max(1, Math.floor(GROUP_ROWS / shape.rowsPerSeries));
  for (let id = 0; id < shape.seriesCount; id += seriesPerGroup) {
    const count = Math.min(seriesPerGroup, shape.seriesCount - id);
    const rowCount = count * shape.rowsPerSeries;
    fillMs += fill(shape, rowCount);
    writer.addGroup({
      rowCount,
      seriesIds: Uint32Array.from({ length: count }, (_, i) => id + i),
      seriesRows: new Uint32Array(count).fill(shape.rowsPerSeries),
      times: areas.times,
      columns: columns(areas.values),
    });
  }
  const finishing = performance.now();
  await writer.finish(key);
  console.log(`  finish          ${(performance.now() - finishing).toFixed(1)} ms`);
  return performance.now() - start - fillMs;
}

async function measure(shape: Shape): Promise<void> {
  const path = join(folder, "bench.segment");
  const values = shape.seriesCount * shape.rowsPerSeries * FIELDS;
  console.log(`${shape.name}: ${shape.seriesCount} series x ${shape.rowsPerSeries} rows x ${FIELDS} fields`);
  const writeMs = await write(shape, path);
  console.log(
    `  write           ${writeMs.toFixed(0)} ms (${(values / writeMs / 1000).toFixed(1)} million values/s)`,
  );

  const opening = performance.now();
  const reader = SegmentReader.open(nodeDisk, path, kernels);
  const table = reader.table("cpu")!;
  console.log(`  open            ${(performance.now() - opening).toFixed(2)} ms, index parsed`);

  let pageBytes = 0;
  let timeBytes = 0;
  for (let group = 0; group < table.groupCount; group++) {
    timeBytes += table.timesBytes(group);
    for (let f = 0; f < FIELDS; f++) pageBytes += table.pageBytes(group, f);
  }
  const index = reader.indexBytes;
  // (header and footer, some 100 bytes, are counted among the keys)
  const keys = reader.sizeBytes - index - pageBytes - timeBytes;
  const pages = table.groupCount * FIELDS;
  console.log(
    `  size            ${reader.sizeBytes} bytes, ${(reader.sizeBytes / values).toFixed(3)} a value`,
  );
  console.log(`  columns         ${pageBytes} bytes, ${(pageBytes / values).toFixed(3)} a value`);
  console.log(`  times           ${timeBytes} bytes, ${(timeBytes / values).toFixed(3)} a value`);
  console.log(`  keys            ${keys} bytes, ${(keys / shape.seriesCount).toFixed(1)} a series`);
  console.log(
    `  index           ${index} bytes, ${(index / pages).toFixed(1)} a column page, ${(index / values).toFixed(4)} a value`,
  );

  for (const pass of ["first, with CRC", "again"]) {
    const start = performance.now();
    for (let group = 0; group < table.groupCount; group++) {
      table.readTimes(group, areas.times);
      for (let f = 0; f < FIELDS; f++)
        table.readColumn(group, f, { values: areas.values, present: areas.times, heap: 0 });
    }
    const ms = performance.now() - start;
    console.log(
      `  read            ${ms.toFixed(1)} ms ${pass} (${(values / ms / 1000).toFixed(0)} million values/s)`,
    );
  }
  const start = performance.now();
  let sum = 0;
  for (let group = 0; group < table.groupCount; group++)
    for (let f = 0; f < FIELDS; f++) sum += table.stats(group, f)?.sum as number;
  console.log(
    `  statistics      ${(performance.now() - start).toFixed(1)} ms for all pages (sum ${sum.toFixed(0)})`,
  );
  reader.unlink();
  reader.close();
}

const cents = (value: number) => Math.round(value * 100) / 100;
const long = { seriesCount: 1000, rowsPerSeries: 1000 };
await measure({ name: "two decimals", ...long, round: cents });
await measure({ name: "integral floats", ...long, round: Math.round });
await measure({ name: "full precision", ...long, round: (value) => value });
await measure({ name: "high cardinality", seriesCount: 300_000, rowsPerSeries: 1, round: cents });
rmSync(folder, { recursive: true });

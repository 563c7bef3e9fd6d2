// `bun run bench`: TSBS's cpu-only load and queries against serie, and against the peers installed here, in one run.
//
// Prints figures and judges nothing, except that a wrong answer ends the run: it must never be timed. Everything
// lies in a folder of its own under the system's temporary one; servers listen on 127.0.0.1 and run one at a time.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { type Dataset, generate, generateNewSeries } from "./bench/dataset.ts";
import { type Measured, sections } from "./bench/figures.ts";
import { type Flags, readFlags, usage } from "./bench/flags.ts";
import { influxd, type Product, serie, victoriaMetrics } from "./bench/products.ts";
import { queries } from "./bench/queries.ts";
import { milliseconds, renderTable } from "./bench/table.ts";
import { type Limits, Trial } from "./bench/trial.ts";
import { kindNames } from "./bench/tsbs.ts";
import { measureParser } from "./bench-parser.ts";

const BATCH_ROWS = 5000;

async function bench(flags: Flags, folder: string): Promise<string> {
  const limits: Limits = {
    connections: 4,
    loadTimeoutMs: 300_000,
    settleTimeoutMs: 120_000,
    warmUpMs: 1000,
    queryTimeoutMs: 10_000,
    repetitions: flags.repetitions,
  };
  const datasets: Dataset[] = flags.kinds.map((kind) => {
    note(`generating ${flags.hostCount} hosts x ${flags.stepCount} steps, ${kindNames[kind]}`);
    return generate(folder, kind, { ...flags, batchRows: BATCH_ROWS });
  });
  const burst =
    flags.seriesCount > 0 ? generateNewSeries(folder, flags.seriesCount, BATCH_ROWS, flags.seed) : null;

  const wanted = [serie];
  if (flags.peers.includes("influxd")) wanted.push(influxd);
  if (flags.peers.includes("victoria")) wanted.push(victoriaMetrics);
  const measured = new Map<string, Measured>();
  const products: string[] = [];
  for (const product of wanted) {
    const version = product.version();
    if (version === null) {
      note(`${product.name} is not installed`);
      continue;
    }
    const name = `${product.name} ${version}`;
    products.push(name);
    const trial = new Trial(product, folder, limits);
    try {
      measured.set(name, await measure(product, trial, datasets, burst, flags));
    } finally {
      await trial.close();
    }
  }
  return `${describe(flags)}\n\n${renderTable(products, sections(measured, datasets, burst))}`;
}

async function measure(
  product: Product,
  trial: Trial,
  datasets: readonly Dataset[],
  burst: Dataset["bodies"] | null,
  flags: Flags,
): Promise<Measured> {
  const measured: Measured = { loads: new Map(), queries: new Map(), parser: new Map() };
  if (product === serie) for (const data of datasets) measured.parser.set(data.kind, measureParser(data));
  if (burst) {
    note(`${product.name}: ${burst.rowCount} new series`);
    measured.burst = await trial.load(burst);
  }
  // the first kind last: its data is what the queries run over
  for (const data of [...datasets].reverse()) {
    note(`${product.name}: loading ${kindNames[data.kind]}`);
    measured.loads.set(data.kind, await trial.load(data.bodies));
  }
  const data = datasets[0]!;
  if (!flags.queries || !measured.loads.get(data.kind)?.report.complete) return measured;
  const running = await trial.reopen();
  measured.startMs = running.startMs;
  for (const query of queries) {
    const result = await trial.query(running, query, data, flags.seed);
    measured.queries.set(query, result);
    if (result)
      note(`${product.name}: ${query.name} ${milliseconds(result.medianMs)} (${result.repetitions} times)`);
  }
  await trial.stop();
  return measured;
}

/** What the figures below it were measured on. */
function describe(flags: Flags): string {
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const data = `${flags.hostCount} hosts x ${flags.stepCount} steps, 10 tags, 10 fields`;
  return [
    `TSBS cpu-only, ${data}; 4 connections, batches of ${BATCH_ROWS} rows; queries over ${kindNames[flags.kinds[0]!]}, asked for a second before they count.`,
    `Measured ${new Date().toISOString().slice(0, 10)} on ${machine}, Bun ${Bun.version}, each server alone.`,
    "× is how many times better serie is (below 1: worse). CPU is the server's; serie and InfluxDB sync to disk",
    "before they answer, VictoriaMetrics does not.",
  ].join("\n");
}

function note(text: string): void {
  console.error(`bench: ${text}`);
}

function putInReadme(table: string): void {
  const path = join(import.meta.dir, "../README.md");
  const [start, end] = ["<!-- bench:start -->", "<!-- bench:end -->"];
  const readme = readFileSync(path, "utf8");
  const from = readme.indexOf(start);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has no ${start} ... ${end} to put the table between`);
  writeFileSync(path, `${readme.slice(0, from + start.length)}\n${table}\n${readme.slice(to)}`);
}

let flags: Flags;
try {
  flags = readFlags(process.argv.slice(2));
} catch (error) {
  console.error(`bench: ${(error as Error).message}\n${usage}`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "serie-bench-"));
try {
  const table = await bench(flags, folder);
  console.log(table);
  if (flags.readme) putInReadme(table);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

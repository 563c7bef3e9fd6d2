// `bun run bench`: TSBS's cpu-only load and queries against serie, and against the peers installed here, in one run.
//
// Prints figures and judges nothing, except that a wrong answer ends the run: it must never be timed. Everything
// lies in a folder of its own under the system's temporary one; servers listen on 127.0.0.1 and run one at a time.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { compareInflux } from "./bench/answer.ts";
import { type Dataset, generate, generateNewSeries } from "./bench/dataset.ts";
import { type Measured, sections } from "./bench/figures.ts";
import { type Flags, readFlags, usage } from "./bench/flags.ts";
import { duckdb, influxd, type Product, serie, victoriaMetrics } from "./bench/products.ts";
import { queries } from "./bench/queries.ts";
import { milliseconds, renderTable } from "./bench/table.ts";
import { type Limits, type Running, Trial } from "./bench/trial.ts";
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
  if (flags.peers.includes("duckdb") && flags.queries) wanted.push(duckdb);
  const measured = new Map<string, Measured>();
  const products: string[] = [];
  const influxAnswers: Measured["queries"][] = [];
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
      const one = await measure(product, trial, datasets, burst, flags);
      measured.set(name, one);
      if (product.speaksInflux === true) influxAnswers.push(one.queries);
    } finally {
      await trial.close();
    }
  }
  compareAnswers(influxAnswers);
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
  if (product.queriesOnly === true) {
    note(`${product.name}: loading ${kindNames[datasets[0]!.kind]}`);
    const { report } = await trial.load(datasets[0]!.bodies);
    if (!report.complete) return measured;
    await askAll(product, await trial.reopen(), trial, datasets[0]!, flags, measured);
    return measured;
  }
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
  await askAll(product, running, trial, data, flags, measured);
  return measured;
}

async function askAll(
  product: Product,
  running: Running,
  trial: Trial,
  data: Dataset,
  flags: Flags,
  measured: Measured,
): Promise<void> {
  for (const query of queries) {
    const result = await trial.query(running, query, data, flags.seed);
    measured.queries.set(query, result);
    if (result)
      note(`${product.name}: ${query.name} ${milliseconds(result.medianMs)} (${result.repetitions} times)`);
  }
  await trial.stop();
}

/** What serie answered is what influxd answers to the same question. */
function compareAnswers([own, peer]: readonly Measured["queries"][]): void {
  if (own === undefined || peer === undefined) return;
  for (const [query, theirs] of peer) {
    const ours = own.get(query);
    if (!ours || !theirs) continue;
    try {
      compareInflux(ours.firstBody, theirs.firstBody);
    } catch (error) {
      throw new Error(`serie does not answer ${query.name} as influxd does: ${(error as Error).message}`);
    }
  }
  note("the answers are influxd's");
}

/** What the figures below it were measured on. */
function describe(flags: Flags): string {
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const data = `${flags.hostCount} hosts x ${flags.stepCount} steps, 10 tags, 10 fields`;
  return [
    `TSBS cpu-only, ${data}; 4 connections, batches of ${BATCH_ROWS} rows; queries over ${kindNames[flags.kinds[0]!]}, asked for a second before they count.`,
    `Measured ${new Date().toISOString().slice(0, 10)} on ${machine}, Bun ${Bun.version}, each server alone.`,
    "× is how many times better serie is (below 1: worse). CPU is the server's; serie and InfluxDB sync to disk",
    "before they answer, VictoriaMetrics does not. DuckDB is timed in its own process, without HTTP, and only for queries.",
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

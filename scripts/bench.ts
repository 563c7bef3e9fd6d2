// `bun run bench`: TSBS's cpu-only load and queries against serie, and against the peers installed here, in one run.
//
// Prints figures and judges nothing, except that a wrong answer ends the run: it must never be timed. Everything
// lies in a folder of its own under the system's temporary one; servers listen on 127.0.0.1 and run one at a time.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { orderOf, renderComparison, revision } from "./bench/against.ts";
import { compareInflux } from "./bench/answer.ts";
import { type Measured, sections } from "./bench/figures.ts";
import { type Flags, readFlags, usage } from "./bench/flags.ts";
import { growthPlan, measureGrowth } from "./bench/growth.ts";
import { plotGrowth } from "./bench/growth-plot.ts";
import { renderGrowth } from "./bench/growth-report.ts";
import { BATCH_ROWS, generateMaterial, limitsOf, measure, note } from "./bench/measure.ts";
import { duckdb, influxd, type Product, victoriaMetrics, workingTree } from "./bench/products.ts";
import { renderTable } from "./bench/table.ts";
import { kindNames } from "./bench/tsbs.ts";

const QUICK =
  "A quick run shows that everything runs. Its figures are not for comparison: too little is measured, for too short a time.";

async function bench(flags: Flags, folder: string): Promise<string> {
  const wanted: Product[] =
    flags.threads.length === 0 ? [workingTree()] : flags.threads.map((count) => workingTree(count));
  if (flags.peers.includes("influxd")) wanted.push(influxd);
  if (flags.peers.includes("victoria")) wanted.push(victoriaMetrics);
  if (flags.peers.includes("duckdb") && flags.queries) wanted.push(duckdb);
  const material = generateMaterial(folder, flags);
  const measured = new Map<string, Measured>();
  const answers = new Map<string, Measured["queries"]>();
  for (const product of wanted) {
    const version = product.version();
    if (version === null) {
      note(`${product.name} is not installed`);
      continue;
    }
    const name = `${product.name} ${version}`;
    const one = await measure(product, folder, material, flags);
    measured.set(name, one);
    if (product.speaksInflux === true) answers.set(name, one.queries);
  }
  compareAnswers(answers);
  const figures = sections(measured, material.datasets, material.burst);
  return `${describe(flags)}\n\n${renderTable([...measured.keys()], figures, !flags.quick)}`;
}

/** This tree and another revision, alternating. */
async function compareRevisions(flags: Flags, against: string, folder: string): Promise<string> {
  const threads = flags.threads[0] ?? null;
  note(`making ${against} ready`);
  const products = [workingTree(threads), revision(folder, against, threads)] as const;
  const [own, other] = [`serie ${products[0].version()}`, `serie ${products[1].version()}`];
  // (figures are kept by name)
  const names = [own, other === own ? `${other} (${against})` : other] as const;
  const material = generateMaterial(folder, flags);
  const rounds = [];
  for (let round = 0; round < flags.rounds; round++) {
    note(`round ${round + 1} of ${flags.rounds}`);
    const measured = new Map<string, Measured>();
    for (const index of orderOf(round))
      measured.set(names[index], await measure(products[index], folder, material, flags));
    compareAnswers(new Map(names.map((name) => [name, measured.get(name)!.queries] as const)));
    rounds.push(sections(measured, material.datasets, material.burst));
  }
  const spread =
    flags.rounds === 1
      ? "1 round has no spread: it does not tell by how much runs of the same differ."
      : `${flags.rounds} rounds, who is first changes.`;
  return `${machineLine(flags)}\n${spread} × is how many times better the first is (below 1: worse).\n\n${renderComparison(...names, rounds)}`;
}

/** How cost grows: the page, and with --readme the page and its plot in docs/. */
async function growth(flags: Flags, folder: string): Promise<string> {
  const product = workingTree(flags.threads[0] ?? null);
  const plan = growthPlan({ quick: flags.quick, large: flags.growth === "large" });
  const { seed } = flags;
  const runs = await measureGrowth(product, folder, plan, { seed, limits: limitsOf(flags), note });
  const command = ["bun run bench", ...process.argv.slice(2)].join(" ");
  const head = `serie ${product.version()}. ${dateLine(flags)}\nBy values: 1,000 hosts with 10 fields; by series: one row of 10 fields each. Made by \`${command}\`.`;
  const page = renderGrowth(runs, head, "growth.svg");
  if (flags.readme) {
    const docs = join(import.meta.dir, "../docs");
    writeFileSync(join(docs, "growth.md"), page);
    writeFileSync(join(docs, "growth.svg"), plotGrowth(runs));
  }
  return page;
}

/** What the first answered is what the others that speak its language answer to the same questions. */
function compareAnswers(answers: ReadonlyMap<string, Measured["queries"]>): void {
  const [first, ...others] = answers;
  for (const [name, theirs] of others) {
    for (const [query, their] of theirs) {
      const our = first?.[1].get(query);
      if (!our || !their) continue;
      try {
        compareInflux(our.firstBody, their.firstBody);
      } catch (error) {
        const reason = (error as Error).message;
        throw new Error(`${first?.[0]} does not answer ${query.name} as ${name} does: ${reason}`);
      }
    }
    note(`the answers are those of ${name}`);
  }
}

/** What the figures below it were measured on. */
function describe(flags: Flags): string {
  const threads = flags.threads.length > 0 ? "" : " serie has as many threads as its server takes by itself.";
  return [
    machineLine(flags),
    `${flags.quick ? "" : "× is how many times better serie is (below 1: worse). "}CPU is the server's; serie and InfluxDB sync to disk`,
    `before they answer, VictoriaMetrics does not.${threads}`,
    "DuckDB is timed in its own process, without HTTP, and only for queries.",
  ].join("\n");
}

function machineLine(flags: Flags): string {
  const data = `${flags.hostCount} hosts x ${flags.stepCount} steps, 10 tags, 10 fields`;
  return [
    `TSBS cpu-only, ${data}; 4 connections, batches of ${BATCH_ROWS} rows; queries over ${kindNames[flags.kinds[0]!]}, all asked for a second each, then each for another before it counts, and for a third that does.`,
    dateLine(flags),
  ].join("\n");
}

function dateLine({ quick }: Flags): string {
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? "unknown CPU"}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `Measured ${new Date().toISOString().slice(0, 10)} on ${machine}, Bun ${Bun.version}, each server alone.${quick ? `\n${QUICK}` : ""}`;
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
  let table: string;
  if (flags.growth !== "no") table = await growth(flags, folder);
  else if (flags.against !== null) table = await compareRevisions(flags, flags.against, folder);
  else table = await bench(flags, folder);
  console.log(table);
  if (flags.readme && flags.growth === "no") putInReadme(table);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

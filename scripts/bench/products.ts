// The servers that can be measured: how each is started, written to, asked, and brought to rest.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, readInflux, readPrometheus } from "./answer.ts";
import type { Child } from "./child.ts";
import type { Question } from "./queries.ts";
import { type SingleForm, singleLine, singleMeasurement } from "./singles.ts";
import { START_S } from "./tsbs.ts";

const root = join(import.meta.dir, "../..");

export interface Product {
  readonly name: string;
  /** Version to print; null when it is not installed here. */
  version(): string | null;
  /** Program and arguments; whatever it stores goes under `dataDir`, it listens on 127.0.0.1 only. */
  command(dataDir: string, port: number): string[];
  /** Answers 2xx once the server takes requests. */
  readonly readyPath: string;
  /** Once, on an empty server, before the first write. */
  prepare(base: string): Promise<void>;
  readonly writePath: string;
  /** Path and body that write one point; null: it does not take this form. */
  single(form: SingleForm): { readonly path: string; readonly body: string } | null;
  /** How many values a measurement has, all that was acknowledged before. */
  countValues(base: string, measurement: string): Promise<number>;
  /** Brings what is still in memory or in a log into the form that it is kept in. */
  settle(base: string, child: Child, timeoutMs: number): Promise<void>;
  /** Path and parameters that ask this; null when the product cannot. */
  queryPath(question: Question): string | null;
  read(body: string): Answer;
  /** Relative error that is not a wrong answer. */
  readonly tolerance: number;
  /** No server that takes writes: only queries are measured. */
  readonly queriesOnly?: boolean;
  /** How long it took by its own clock, ms, when it is not the way over HTTP that counts. */
  elapsedMs?(body: string): number;
  /** It is what is measured; the others are its peers. */
  readonly isOwn?: boolean;
  /** Queries may miss for a while what it has acknowledged. */
  readonly showsLater?: boolean;
  /** Seconds that the stages of writes took, by name. */
  stages?(base: string): Promise<ReadonlyMap<string, number>>;
  /** Its answers are InfluxDB's JSON: those of one product must be those of the other. */
  readonly speaksInflux?: boolean;
}

const DATABASE = "bench";

const influxQuery = (question: Question) =>
  `/query?${new URLSearchParams({ db: DATABASE, epoch: "ns", q: question.influxql })}`;

const serieJson = {
  path: `/write/json?db=${DATABASE}&precision=ms`,
  body: `{"measurement":"${singleMeasurement("json")}","tags":{"host":"h{host}"},"fields":{"value":{value}},"time":{time}}`,
};
const influxLine = { path: `/write?db=${DATABASE}`, body: singleLine };

async function countInflux(base: string, measurement: string): Promise<number> {
  const q = `SELECT count(*) FROM "${measurement}"`;
  const response = await fetch(`${base}/query?${new URLSearchParams({ db: DATABASE, epoch: "ns", q })}`);
  return readInflux(await response.text()).total;
}

/** Which serie to start. */
export interface SerieChoice {
  /** A working tree with dependencies and kernels. */
  readonly root: string;
  /** What stands over its column behind the name. */
  readonly version: string;
  /** Of the server; null: what it takes by itself (which is all that old revisions can do). */
  readonly threads: number | null;
}

export function serieOf({ root, version, threads }: SerieChoice): Product {
  return {
    name: "serie",
    isOwn: true,
    version: () => (threads === null ? version : `${version}, ${threads} thread${threads === 1 ? "" : "s"}`),
    command: (dataDir, port) => [
      process.execPath,
      join(root, "src/cli/serie.ts"),
      "server",
      ...["--data-dir", dataDir],
      ...["--host", "127.0.0.1"],
      ...["--port", String(port)],
      // (10 minutes unless given: soon, as InfluxDB's cache below)
      ...["--flush-interval", "5s"],
      ...(threads === null ? [] : ["--threads", String(threads)]),
    ],
    readyPath: "/ready",
    prepare: async () => {},
    writePath: `/write?db=${DATABASE}`,
    async settle(_base, child, timeoutMs) {
      // memory is flushed, and a second later what is over in time becomes one segment a store
      await Bun.sleep(Math.min(8_000, timeoutMs));
      await child.idle(timeoutMs);
    },
    single: (form) => (form === "line" ? influxLine : serieJson),
    countValues: countInflux,
    async stages(base) {
      const text = await (await fetch(`${base}/metrics`)).text();
      const found = text.matchAll(/^serie_stage_seconds_total\{stage="(\w+)"\} (\S+)$/gm);
      return new Map([...found].map(([, stage, value]) => [stage!, Number(value)]));
    },
    queryPath: influxQuery,
    read: readInflux,
    tolerance: 1e-9,
    speaksInflux: true,
  };
}

/** The working tree that this script lies in: its commit, with `+` when files differ from it. */
export function workingTree(threads: number | null = null): Product {
  const git = (...args: string[]) => outputOf(["git", "-C", root, ...args]).trim();
  const changes = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+";
  return serieOf({ root, version: `${git("rev-parse", "--short", "HEAD")}${changes}`, threads });
}

export const influxd: Product = {
  name: "InfluxDB",
  version: () => /v[\d.]+/.exec(outputOf(["influxd", "version"]))?.[0] ?? null,
  command(dataDir, port) {
    mkdirSync(dataDir, { recursive: true });
    const path = join(dataDir, "influxd.toml");
    writeFileSync(path, influxConfiguration(dataDir, port));
    return ["influxd", "run", "-config", path];
  },
  readyPath: "/ping",
  async prepare(base) {
    const body = new URLSearchParams({ q: `CREATE DATABASE ${DATABASE}` });
    const response = await fetch(`${base}/query`, { method: "POST", body });
    if (!response.ok) throw new Error(`influxd refuses CREATE DATABASE: ${await response.text()}`);
  },
  writePath: `/write?db=${DATABASE}`,
  single: (form) => (form === "line" ? influxLine : null),
  countValues: countInflux,
  async settle(_base, child, timeoutMs) {
    // its cache is snapshotted when cold for 5 s (see the configuration), and compacted after that
    await Bun.sleep(Math.min(8_000, timeoutMs));
    await child.idle(timeoutMs);
  },
  queryPath: influxQuery,
  read: readInflux,
  tolerance: 1e-9,
  speaksInflux: true,
};

/** Defaults, but no limits that refuse the load, nothing sent home, and a cache that is written out soon. */
function influxConfiguration(dataDir: string, port: number): string {
  return `
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "${dataDir}/meta"
[data]
  dir = "${dataDir}/data"
  wal-dir = "${dataDir}/wal"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = 0
  cache-max-memory-size = "8g"
  cache-snapshot-write-cold-duration = "5s"
  compact-full-write-cold-duration = "5s"
[coordinator]
  log-queries-after = "0s"
  write-timeout = "5m"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${port}"
  log-enabled = false
  max-body-size = 0
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[logging]
  level = "error"
`;
}

export const victoriaMetrics: Product = {
  name: "VictoriaMetrics",
  version: () => {
    if (Bun.which("victoria-metrics") === null) return null;
    const debian = outputOf(["dpkg-query", "--show", "victoria-metrics"]).split("\t")[1];
    return debian ? `v${debian.replace(/[+-].*/, "").trim()}` : "(version unknown)";
  },
  command: (dataDir, port) => [
    "victoria-metrics",
    `-storageDataPath=${dataDir}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    "-retentionPeriod=100y",
    "-loggerLevel=ERROR",
  ],
  readyPath: "/health",
  prepare: async () => {},
  // no db=: it would become a label of every series
  writePath: "/write",
  single: (form) =>
    form === "line"
      ? { path: "/write", body: singleLine }
      : {
          path: "/api/v1/import",
          body: `{"metric":{"__name__":"${singleMeasurement(form)}_value","host":"h{host}"},"values":[{value}],"timestamps":[{time}]}`,
        },
  async countValues(base, measurement) {
    // what is not flushed is not seen, and what is being flushed is not seen yet
    await fetch(`${base}/internal/force_flush`);
    const query = `sum(count_over_time({__name__=~"${measurement}_.*"}[300d]))`;
    const parameters = new URLSearchParams({ query, time: String(START_S + 250 * 86_400), nocache: "1" });
    const response = await fetch(`${base}/api/v1/query?${parameters}`);
    return readPrometheus(await response.text()).total;
  },
  async settle(base, child, timeoutMs) {
    await fetch(`${base}/internal/force_flush`);
    await fetch(`${base}/internal/force_merge`);
    await child.idle(timeoutMs);
  },
  queryPath: (question) => question.metricsql,
  read: readPrometheus,
  showsLater: true,
  // it keeps about 15 decimal digits of a value
  tolerance: 1e-6,
};

/** No product: what every write of serie cannot be cheaper than, Elysia's receiving and the parser (ceiling.ts). */
export const ceiling: Product = {
  name: "Elysia and the parser",
  version: () => "",
  command: (_dataDir, port) => [process.execPath, join(root, "scripts/bench/ceiling.ts"), String(port)],
  readyPath: "/ready",
  prepare: async () => {},
  writePath: "/write",
  single: () => null,
  countValues: () => Promise.reject(new Error("nothing is kept")),
  settle: async () => {},
  queryPath: () => null,
  read: () => ({ cells: 0, total: 0 }),
  tolerance: 0,
};

/** The library, in a process of its own (duckdb.ts). */
export const duckdb: Product = {
  name: "DuckDB",
  version() {
    const path = join(root, "node_modules/@duckdb/node-api/package.json");
    if (!existsSync(path)) return null;
    return `v${(JSON.parse(readFileSync(path, "utf8")) as { version: string }).version.replace(/-.*/, "")}`;
  },
  command(dataDir, port) {
    mkdirSync(dataDir, { recursive: true });
    return [process.execPath, join(root, "scripts/bench/duckdb.ts"), join(dataDir, "bench.db"), String(port)];
  },
  readyPath: "/ping",
  prepare: async () => {},
  writePath: "/write",
  single: () => null,
  countValues: () => Promise.reject(new Error("only queries are measured")),
  async settle(base) {
    await fetch(`${base}/checkpoint`);
  },
  queryPath: (question) => `/query?${new URLSearchParams({ sql: question.sql })}`,
  read: (body) => JSON.parse(body) as Answer,
  tolerance: 1e-9,
  queriesOnly: true,
  elapsedMs: (body) => (JSON.parse(body) as { elapsedMs: number }).elapsedMs,
};

/** What a program prints; "" when it is not there. */
function outputOf(command: readonly string[]): string {
  if (Bun.which(command[0]!) === null) return "";
  return Bun.spawnSync([...command]).stdout.toString();
}

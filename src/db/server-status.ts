// The figures of SHOW STATS and SHOW DIAGNOSTICS: InfluxDB's modules and names where the thing counted is the same; what only
// serie has stands in the module `serie`, by its metric's name.
import { arch, hostname, platform } from "node:os";
import type { Clock } from "../base/clock.ts";
import { memoryFigures } from "../base/memory.ts";
import { version } from "../base/version.ts";
import type { ServerStatus, StatusModule } from "../model/server-status.ts";
import { kebabName, type Options, optionNames } from "./options.ts";
import type { Metric } from "./status.ts";

export class Figures implements ServerStatus {
  readonly #options: Options;
  readonly #clock: Clock;
  readonly #metrics: () => readonly Metric[];
  readonly #startedNs: bigint;
  readonly #startedMs: number;

  constructor(options: Options, clock: Clock, metrics: () => readonly Metric[]) {
    this.#options = options;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#startedNs = clock.nowNs();
    this.#startedMs = clock.elapsedMs();
  }

  statistics(): readonly StatusModule[] {
    return this.statisticsOf(this.#metrics());
  }

  /** The same of other metrics than this thread's. */
  statisticsOf(metrics: readonly Metric[]): readonly StatusModule[] {
    const total = (name: string) =>
      metrics.reduce((sum, metric) => (metric.name === `serie_${name}` ? sum + metric.value : sum), 0);
    const { Alloc, HeapSys, Sys } = memoryFigures();
    const texts = total("queries_total");
    const active = total("queries_active");
    const failures = total("continuous_query_failures_total");
    const own: Record<string, number> = {};
    for (const { name, value, labels } of metrics)
      if (labels === undefined) own[name.replace(/^serie_/, "")] = value;
    return [
      {
        name: "runtime",
        values: { Alloc, HeapAlloc: Alloc, HeapInUse: Alloc, HeapSys, Sys },
      },
      {
        name: "queryExecutor",
        values: {
          queriesActive: active,
          queriesExecuted: texts,
          queriesFinished: texts - active,
          queryDurationNs: Math.round(total("query_seconds_total") * 1e9),
        },
      },
      {
        name: "write",
        values: {
          pointReq: total("rows_written_total") + total("points_dropped_total"),
          req: total("writes_total"),
          writeDrop: total("points_dropped_total"),
          writeOk: total("writes_total"),
        },
      },
      {
        name: "subscriber",
        values: {
          pointsWritten: total("subscription_rows_sent_total"),
          writeFailures: total("subscription_rows_failed_total") + total("subscription_rows_dropped_total"),
        },
      },
      {
        name: "cq",
        values: { queryFail: failures, queryOk: total("continuous_query_runs_total") - failures },
      },
      { name: "serie", values: own },
    ];
  }

  diagnostics(): readonly StatusModule[] {
    const config: Record<string, string | number | boolean> = {};
    for (const name of optionNames) {
      if (/password|token|secret/i.test(name)) continue;
      const value: unknown = this.#options[name];
      config[kebabName(name)] =
        typeof value === "number" || typeof value === "boolean" ? value : String(value);
    }
    const time = (ns: bigint) => new Date(Number(ns / 1_000_000n)).toISOString();
    const { hardwareConcurrency } = navigator;
    return [
      { name: "build", values: { Branch: "", "Build Time": "", Commit: "", Version: version } },
      { name: "config", values: config },
      { name: "network", values: { hostname: hostname() } },
      {
        name: "runtime",
        values: {
          arch: arch(),
          os: platform(),
          processors: hardwareConcurrency,
          version: `bun${Bun.version}`,
        },
      },
      {
        name: "system",
        values: {
          PID: process.pid,
          currentTime: time(this.#clock.nowNs()),
          started: time(this.#startedNs),
          uptime: `${((this.#clock.elapsedMs() - this.#startedMs) / 1000).toFixed(3)}s`,
        },
      },
    ];
  }
}

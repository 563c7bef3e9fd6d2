// What an open database says of itself: health for people and orchestrators, numbers for monitoring.
import type { DiskError } from "../base/errors.ts";
import type { Kernels } from "../kernels/kernels.ts";
import type { RecoveryReport } from "../log/recovery.ts";
import type { WalStatistics } from "../log/wal.ts";
import type { Store } from "../store/store.ts";
import type { ContinuousScheduler } from "./continuous-queries.ts";
import type { Maintenance } from "./maintenance.ts";
import type { Queries } from "./queries.ts";
import type { Counters } from "./stored.ts";
import type { Forwarder } from "./subscriptions.ts";

export interface Check {
  readonly name: string;
  readonly status: "pass" | "fail";
  readonly message: string;
}

export interface Health {
  readonly status: "pass" | "fail";
  readonly message: string;
  readonly checks: readonly Check[];
}

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface HealthParts {
  readonly failure: DiskError | undefined;
  readonly recovery: RecoveryReport;
  readonly stores: readonly Store[];
  readonly closed: boolean;
}

export function healthOf({ failure, recovery, stores, closed }: HealthParts): Health {
  const damaged = stores.flatMap((store) => store.corruptions);
  const checks: Check[] = [
    check("open", closed ? "the database is closed" : undefined, "open"),
    check("disk", failure && `writes are refused: ${failure.message}`, "writable"),
    check(
      "log",
      recovery.corruptions.map((error) => error.message).join("; "),
      [`${recovery.records} records recovered`, ...recovery.warnings].join("; "),
    ),
    check("segments", damaged.map((error) => error.message).join("; "), "no damage found"),
  ];
  const failed = checks.filter(({ status }) => status === "fail");
  return {
    status: failed.length > 0 ? "fail" : "pass",
    message:
      failed.length > 0 ? failed.map(({ message }) => message).join("; ") : "ready for queries and writes",
    checks,
  };
}

/** What is said of `problem`, or `otherwise` where there is none. */
export function check(name: string, problem: string | undefined, otherwise: string): Check {
  return problem ? { name, status: "fail", message: problem } : { name, status: "pass", message: otherwise };
}

export interface EngineParts {
  readonly counters: Counters;
  readonly log: WalStatistics;
  readonly stores: readonly Store[];
  readonly kernels: Kernels;
  readonly maintenance: Maintenance;
  readonly queries: Queries;
}

/** Sums of what several threads have: metrics of one name and the same labels. */
export function summed(lists: readonly (readonly Metric[])[]): Metric[] {
  const sums = new Map<string, Metric>();
  for (const metric of lists.flat()) {
    const key = `${metric.name} ${JSON.stringify(metric.labels)}`;
    sums.set(key, { ...metric, value: metric.value + (sums.get(key)?.value ?? 0) });
  }
  return [...sums.values()];
}

const counter = (name: string, help: string, value: number): Metric => ({
  ...{ name: `serie_${name}`, help, type: "counter", value },
});
const gauge = (name: string, help: string, value: number): Metric => ({
  ...{ name: `serie_${name}`, help, type: "gauge", value },
});

/** Of what a database has once, whatever its threads. */
export function headMetrics(
  continuousQueries: Pick<ContinuousScheduler, "statistics">,
  subscriptions: Pick<Forwarder, "statistics">,
  threads: { readonly all: number; readonly running: number },
): Metric[] {
  const { count, runs, failures, skipped } = continuousQueries.statistics;
  const forwarded = subscriptions.statistics;
  return [
    gauge("threads", "Threads that there should be.", threads.all),
    gauge("threads_running", "Threads that are there and take requests.", threads.running),
    gauge("subscriptions", "Subscriptions.", forwarded.count),
    counter("subscription_rows_sent_total", "Rows sent on to subscribers.", forwarded.sent),
    counter(
      "subscription_rows_dropped_total",
      "Rows not sent on: the queue was full, or closed.",
      forwarded.dropped,
    ),
    counter(
      "subscription_rows_failed_total",
      "Rows not sent on: no destination took them.",
      forwarded.failed,
    ),
    gauge("continuous_queries", "Continuous queries.", count),
    counter("continuous_query_runs_total", "Runs of continuous queries.", runs),
    counter(
      "continuous_query_failures_total",
      "Runs of continuous queries that failed: SHOW CONTINUOUS QUERIES STATUS says why.",
      failures,
    ),
    counter(
      "continuous_query_skipped_total",
      "Runs of continuous queries that failed and whose windows were passed over: the log says which.",
      skipped,
    ),
  ];
}

export const STAGE_SECONDS = "serie_stage_seconds_total";

/** What a stage of writes took, of one thread; `http` adds how bodies come in. */
export function stageMetric(stage: string, ms: number): Metric {
  return {
    name: STAGE_SECONDS,
    help: "Time in the stages of writes: receive, sync and flush with their waiting; flush has its encode in it.",
    type: "counter",
    value: ms / 1000,
    labels: { stage },
  };
}

function* stageMetrics(
  log: WalStatistics,
  { stages }: Kernels,
  { statistics }: Maintenance,
): Generator<Metric> {
  yield stageMetric("parse", stages.ms.parse);
  yield stageMetric("log", log.appendMs);
  yield stageMetric("sync", log.syncMs);
  yield stageMetric("memtable", stages.ms.memtable);
  yield stageMetric("flush", statistics.flushMs);
  yield stageMetric("encode", stages.ms.encode);
}

/** Of one thread. */
export function engineMetrics({
  counters,
  log,
  stores,
  kernels,
  maintenance,
  queries,
}: EngineParts): Metric[] {
  const over = (value: (store: Store) => number) => stores.reduce((sum, store) => sum + value(store), 0);
  const bytesOf = (store: Store) => store.segments.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  const written = over((store) => store.compactions.writtenBytes);
  const read = over((store) => store.compactions.readBytes);
  return [
    counter("writes_total", "Write requests stored.", counters.writes),
    counter("rows_written_total", "Rows stored.", counters.rows),
    counter("points_dropped_total", "Points refused.", counters.dropped),
    counter("queries_total", "Query texts run.", counters.statements),
    counter(
      "slow_statements_total",
      "Statements that took `slow-query-threshold` or longer.",
      counters.slowStatements,
    ),
    gauge("queries_active", "Query texts that run now.", queries.statistics.active),
    counter("queries_killed_total", "Queries ended by KILL QUERY.", queries.statistics.killed),
    counter(
      "query_seconds_total",
      "Time of query texts from their start to the end of their answer.",
      queries.statistics.durationMs / 1000,
    ),
    counter("log_records_total", "Records appended to the log.", log.appendedRecords),
    counter("log_bytes_total", "Bytes appended to the log.", log.appendedBytes),
    counter("log_syncs_total", "Syncs of the log.", log.syncs),
    ...stageMetrics(log, kernels, maintenance),
    gauge("log_bytes", "Size of the log's files.", log.sizeBytes),
    gauge("log_files", "Files of the log.", log.files),
    gauge(
      "memtable_bytes",
      "Rows in memory, bytes.",
      over((store) => store.memoryBytes),
    ),
    gauge(
      "memtable_rows",
      "Rows in memory.",
      over((store) => store.rowsInMemory),
    ),
    gauge(
      "series",
      "Series known.",
      over((store) => store.catalog.count),
    ),
    gauge(
      "segments",
      "Segments.",
      over((store) => store.segments.length),
    ),
    gauge("segment_bytes", "Size of all segments.", over(bytesOf)),
    counter("flushes_total", "Flushes of all memtables.", maintenance.statistics.flushes),
    counter("flush_seconds_total", "Time spent in flushes.", maintenance.statistics.flushMs / 1000),
    counter(
      "compactions_total",
      "Runs of segments merged.",
      over((store) => store.compactions.runs),
    ),
    counter("compaction_read_bytes_total", "Bytes of segments merged away.", read),
    counter("compaction_written_bytes_total", "Bytes of segments that merges wrote.", written),
    gauge("linear_memory_bytes", "Linear memory in use.", kernels.usedBytes),
    gauge("linear_memory_size_bytes", "Linear memory reserved; it never shrinks.", kernels.buffer.byteLength),
  ];
}

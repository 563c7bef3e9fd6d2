// The TSBS queries over cpu-only data, each as InfluxQL, as MetricsQL, as DuckDB's SQL, and as what the answer must add up to.
//
// A query is asked several times with other hosts and other hours, drawn from the seed, so that no answer is
// measured out of a cache. Names and shapes are TSBS's; ranges are cut to what was generated.
import { type Answer, fold, latest, rowsAbove, rowsOf } from "./answer.ts";
import type { Dataset } from "./dataset.ts";
import type { Random } from "./random.ts";
import { fieldNames, STEP_S } from "./tsbs.ts";

export interface Question {
  readonly influxql: string;
  /** Path and parameters of VictoriaMetrics' query API; null: the language has no equivalent. */
  readonly metricsql: string | null;
  /** Over a table `measurement(hostname, ..., usage_user, ..., time)`, time in ns. */
  readonly sql: string;
  readonly expected: Answer;
}

export interface Query {
  readonly name: string;
  readonly meaning: string;
  /** Its answer is large: how fast it is written counts. */
  readonly rows?: boolean;
  ask(data: Dataset, random: Random): Question;
}

/** A stretch of the data in steps: [first, end). */
interface Range {
  readonly first: number;
  readonly end: number;
}

const MINUTE_STEPS = 60 / STEP_S;
const HOUR_STEPS = 3600 / STEP_S;

export const queries: readonly Query[] = [
  groupedByMinute("single-groupby-1-1-1", "max of 1 field, 1 host, 1 hour, by minute", 1, 1, 1),
  groupedByMinute("single-groupby-1-1-12", "max of 1 field, 1 host, 12 hours, by minute", 1, 1, 12),
  groupedByMinute("single-groupby-1-8-1", "max of 1 field, 8 hosts, 1 hour, by minute", 1, 8, 1),
  groupedByMinute("single-groupby-5-1-1", "max of 5 fields, 1 host, 1 hour, by minute", 5, 1, 1),
  groupedByMinute("single-groupby-5-1-12", "max of 5 fields, 1 host, 12 hours, by minute", 5, 1, 12),
  groupedByMinute("single-groupby-5-8-1", "max of 5 fields, 8 hosts, 1 hour, by minute", 5, 8, 1),
  maxAll("cpu-max-all-1", "max of 10 fields, 1 host, by hour", 1),
  maxAll("cpu-max-all-8", "max of 10 fields, 8 hosts, by hour", 8),
  meanOfAllHosts("double-groupby-1", "mean of 1 field of every host, by hour", 1),
  meanOfAllHosts("double-groupby-5", "mean of 5 fields of every host, by hour", 5),
  meanOfAllHosts("double-groupby-all", "mean of 10 fields of every host, by hour", 10),
  highCpu("high-cpu-1", "rows of 1 host with usage_user > 90", 1),
  highCpu("high-cpu-all", "rows of every host with usage_user > 90", Number.POSITIVE_INFINITY),
  { name: "lastpoint", meaning: "last row of every host", ask: lastpoint },
  { name: "groupby-orderby-limit", meaning: "max by minute, last 5 before a time", ask: lastMinutes },
  { name: "raw-range", meaning: "rows of 1 host, 1 hour", ask: rawRange },
];

/** What TSBS does not ask: one path each of what a query may cost. */
export const paths: readonly Query[] = [
  { name: "wide range", meaning: "max of 1 field of all rows, which statistics answer", ask: maxOfAll },
  { name: "whole rows", meaning: "all fields and tags of 100 hosts", rows: true, ask: wholeRows },
];

/** `hours`: as many as there are, at most. */
function groupedByMinute(
  name: string,
  meaning: string,
  fieldCount: number,
  hostCount: number,
  hours: number,
): Query {
  return {
    name,
    meaning,
    ask(data, random) {
      const hosts = pickHosts(data, hostCount, random);
      const range = pickHours(data, hours, random);
      return {
        influxql: `SELECT ${calls("max", fieldCount)} FROM ${data.measurement} WHERE (${hostCondition(hosts)}) AND ${timeCondition(data, range)} GROUP BY time(1m)`,
        metricsql: rangeQuery(
          data,
          (window) => `max(max_over_time(${selector(data, fieldCount, hosts)}${window})) by (__name__)`,
          range,
          60,
        ),
        sql: `SELECT ${windowOf(60)} AS w, ${calls("max", fieldCount)} FROM ${data.measurement} WHERE ${sqlCondition(data, range, hosts)} GROUP BY w ORDER BY w`,
        expected: fold(data, { hosts, fieldCount, ...range, windowSteps: MINUTE_STEPS, aggregate: "max" }),
      };
    },
  };
}

function maxAll(name: string, meaning: string, hostCount: number): Query {
  return {
    name,
    meaning,
    ask(data, random) {
      const hosts = pickHosts(data, hostCount, random);
      const range = { first: 0, end: data.stepCount };
      const fieldCount = fieldNames.length;
      return {
        influxql: `SELECT ${calls("max", fieldCount)} FROM ${data.measurement} WHERE (${hostCondition(hosts)}) AND ${timeCondition(data, range)} GROUP BY time(1h)`,
        metricsql: rangeQuery(
          data,
          (window) => `max(max_over_time(${selector(data, fieldCount, hosts)}${window})) by (__name__)`,
          range,
          3600,
        ),
        sql: `SELECT ${windowOf(3600)} AS w, ${calls("max", fieldCount)} FROM ${data.measurement} WHERE ${sqlCondition(data, range, hosts)} GROUP BY w ORDER BY w`,
        expected: fold(data, { hosts, fieldCount, ...range, windowSteps: HOUR_STEPS, aggregate: "max" }),
      };
    },
  };
}

function meanOfAllHosts(name: string, meaning: string, fieldCount: number): Query {
  return {
    name,
    meaning,
    ask(data) {
      const range = { first: 0, end: data.stepCount };
      let expected: Answer = { cells: 0, total: 0 };
      for (let host = 0; host < data.hostCount; host++) {
        const one = fold(data, {
          hosts: [host],
          fieldCount,
          ...range,
          windowSteps: HOUR_STEPS,
          aggregate: "mean",
        });
        expected = { cells: expected.cells + one.cells, total: expected.total + one.total };
      }
      return {
        influxql: `SELECT ${calls("mean", fieldCount)} FROM ${data.measurement} WHERE ${timeCondition(data, range)} GROUP BY time(1h), hostname`,
        metricsql: rangeQuery(
          data,
          (window) =>
            `avg(avg_over_time(${selector(data, fieldCount, null)}${window})) by (__name__, hostname)`,
          range,
          3600,
        ),
        sql: `SELECT ${windowOf(3600)} AS w, hostname, ${calls("avg", fieldCount)} FROM ${data.measurement} WHERE ${sqlCondition(data, range, null)} GROUP BY w, hostname ORDER BY hostname, w`,
        expected,
      };
    },
  };
}

function highCpu(name: string, meaning: string, hostCount: number): Query {
  return {
    name,
    meaning,
    ask(data, random) {
      const all = hostCount >= data.hostCount;
      const hosts = all ? null : pickHosts(data, hostCount, random);
      const range = { first: 0, end: data.stepCount };
      return {
        influxql: `SELECT * FROM ${data.measurement} WHERE usage_user > 90.0 AND ${timeCondition(data, range)}${hosts ? ` AND (${hostCondition(hosts)})` : ""}`,
        metricsql: null,
        sql: `SELECT * FROM ${data.measurement} WHERE usage_user > 90.0 AND ${sqlCondition(data, range, hosts)} ORDER BY time`,
        expected: rowsAbove(data, hosts, 90),
      };
    },
  };
}

function lastpoint(data: Dataset): Question {
  const parameters = new URLSearchParams({
    query: `last_over_time(${selector(data, fieldNames.length, null)}[3h])`,
    time: String(timeS(data, data.stepCount)),
    nocache: "1",
  });
  return {
    influxql: `SELECT * FROM ${data.measurement} GROUP BY hostname ORDER BY time DESC LIMIT 1`,
    metricsql: `/api/v1/query?${parameters}`,
    // (several times faster than arg_max, DISTINCT ON or a window function)
    sql: `SELECT ${data.measurement}.* FROM ${data.measurement} JOIN (SELECT hostname AS host, max(time) AS latest FROM ${data.measurement} GROUP BY hostname) ON hostname = host AND time = latest ORDER BY hostname`,
    expected: latest(data),
  };
}

function lastMinutes(data: Dataset, random: Random): Question {
  const end = MINUTE_STEPS * (5 + random.below(Math.floor(data.stepCount / MINUTE_STEPS) - 5));
  const first = end - 5 * MINUTE_STEPS;
  const hosts = Array.from({ length: data.hostCount }, (_, host) => host);
  return {
    influxql: `SELECT max(usage_user) FROM ${data.measurement} WHERE time < ${timeS(data, end)}s GROUP BY time(1m) ORDER BY time DESC LIMIT 5`,
    metricsql: rangeQuery(
      data,
      (window) => `max(max_over_time(${selector(data, 1, null)}${window}))`,
      { first, end },
      60,
    ),
    sql: `SELECT ${windowOf(60)} AS w, max(usage_user) FROM ${data.measurement} WHERE time < ${timeS(data, end)}000000000 GROUP BY w ORDER BY w DESC LIMIT 5`,
    expected: fold(data, { hosts, fieldCount: 1, first, end, windowSteps: MINUTE_STEPS, aggregate: "max" }),
  };
}

function rawRange(data: Dataset, random: Random): Question {
  const hosts = pickHosts(data, 1, random);
  const range = pickHours(data, 1, random);
  const parameters = new URLSearchParams({
    query: `${selector(data, fieldNames.length, hosts)}[${(range.end - range.first) * STEP_S}s]`,
    time: (timeS(data, range.end) - 0.001).toFixed(3),
    nocache: "1",
  });
  return {
    influxql: `SELECT * FROM ${data.measurement} WHERE ${hostCondition(hosts)} AND ${timeCondition(data, range)}`,
    metricsql: `/api/v1/query?${parameters}`,
    sql: `SELECT * FROM ${data.measurement} WHERE ${sqlCondition(data, range, hosts)} ORDER BY time`,
    expected: rowsOf(data, hosts, range),
  };
}

function maxOfAll(data: Dataset): Question {
  const range = { first: 0, end: data.stepCount };
  const hosts = Array.from({ length: data.hostCount }, (_, host) => host);
  return {
    influxql: `SELECT max(usage_user) FROM ${data.measurement} WHERE ${timeCondition(data, range)}`,
    metricsql: rangeQuery(
      data,
      (window) => `max(max_over_time(${selector(data, 1, null)}${window}))`,
      range,
      data.stepCount * STEP_S,
    ),
    sql: `SELECT max(usage_user) FROM ${data.measurement} WHERE ${sqlCondition(data, range, null)}`,
    expected: fold(data, { hosts, fieldCount: 1, ...range, windowSteps: data.stepCount, aggregate: "max" }),
  };
}

function wholeRows(data: Dataset): Question {
  const range = { first: 0, end: data.stepCount };
  const hosts = Array.from({ length: Math.min(100, data.hostCount) }, (_, host) => host);
  const parameters = new URLSearchParams({
    query: `${selector(data, fieldNames.length, hosts)}[${data.stepCount * STEP_S}s]`,
    time: (timeS(data, range.end) - 0.001).toFixed(3),
    nocache: "1",
  });
  return {
    influxql: `SELECT * FROM ${data.measurement} WHERE ${timeCondition(data, range)} AND (${hostCondition(hosts)})`,
    metricsql: `/api/v1/query?${parameters}`,
    sql: `SELECT * FROM ${data.measurement} WHERE ${sqlCondition(data, range, hosts)} ORDER BY time`,
    expected: rowsOf(data, hosts, range),
  };
}

function pickHosts(data: Dataset, count: number, random: Random): number[] {
  const hosts = new Set<number>();
  while (hosts.size < Math.min(count, data.hostCount)) hosts.add(random.below(data.hostCount));
  return [...hosts];
}

/** So many hours (or all there is) from a full minute. */
function pickHours(data: Dataset, hours: number, random: Random): Range {
  const steps = Math.min(hours * HOUR_STEPS, data.stepCount - (data.stepCount % MINUTE_STEPS));
  const first = MINUTE_STEPS * random.below(Math.floor((data.stepCount - steps) / MINUTE_STEPS) + 1);
  return { first, end: first + steps };
}

const timeS = ({ startS }: Dataset, step: number) => startS + step * STEP_S;
const timeCondition = (data: Dataset, { first, end }: Range) =>
  `time >= ${timeS(data, first)}s AND time < ${timeS(data, end)}s`;
const hostCondition = (hosts: readonly number[]) =>
  hosts.map((host) => `hostname = 'host_${host}'`).join(" OR ");
const windowOf = (windowS: number) => `time // ${windowS}000000000`;
const sqlCondition = (data: Dataset, { first, end }: Range, hosts: readonly number[] | null) =>
  `time >= ${timeS(data, first)}000000000 AND time < ${timeS(data, end)}000000000${hosts ? ` AND hostname IN (${hosts.map((host) => `'host_${host}'`).join(", ")})` : ""}`;
const calls = (name: string, fieldCount: number) =>
  fieldNames
    .slice(0, fieldCount)
    .map((field) => `${name}(${field})`)
    .join(", ");

function selector({ measurement }: Dataset, fieldCount: number, hosts: readonly number[] | null): string {
  const names = fieldNames.slice(0, fieldCount).map((field) => `${measurement}_${field}`);
  const matchers = [
    ...(names.length > 1 ? [`__name__=~"${names.join("|")}"`] : []),
    ...(hosts ? [`hostname=~"${hosts.map((host) => `host_${host}`).join("|")}"`] : []),
  ];
  return `${names.length > 1 ? "" : names[0]}${matchers.length > 0 ? `{${matchers.join(",")}}` : ""}`;
}

/**
 * MetricsQL evaluates at points in time and looks back over (t - window, t]; InfluxQL's window is [t, t + window). Asking
 * at the last millisecond of each window makes both the same rows.
 */
function rangeQuery(
  data: Dataset,
  expression: (window: string) => string,
  { first, end }: Range,
  windowS: number,
): string {
  const windowCount = Math.ceil(((end - first) * STEP_S) / windowS);
  const start = timeS(data, first) + windowS - 0.001;
  return `/api/v1/query_range?${new URLSearchParams({
    query: expression(`[${windowS}s]`),
    start: start.toFixed(3),
    end: (start + (windowCount - 1) * windowS).toFixed(3),
    step: `${windowS}s`,
    nocache: "1",
  })}`;
}

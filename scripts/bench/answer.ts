// What an answer must add up to: how many numbers it holds and their sum, computed from the generated values.
//
// Enough to notice a missing, doubled or wrong row without knowing any server's layout of an answer; cheap enough
// to check every answer that is timed.
import type { Dataset } from "./dataset.ts";
import { FIELD_COUNT } from "./tsbs.ts";

export interface Answer {
  /** Field values, not counting times, tags and nulls. */
  readonly cells: number;
  readonly total: number;
}

export interface FoldShape {
  readonly hosts: readonly number[];
  /** The first so many fields. */
  readonly fieldCount: number;
  /** Steps, [first, end). */
  readonly first: number;
  readonly end: number;
  readonly windowSteps: number;
  readonly aggregate: "max" | "mean";
}

/** One number per field and window: the aggregate over all the hosts. */
export function fold(data: Dataset, shape: FoldShape): Answer {
  let cells = 0;
  let total = 0;
  for (let from = shape.first; from < shape.end; from += shape.windowSteps) {
    const to = Math.min(shape.end, from + shape.windowSteps);
    for (let field = 0; field < shape.fieldCount; field++) {
      let max = Number.NEGATIVE_INFINITY;
      let sum = 0;
      for (let step = from; step < to; step++) {
        for (const host of shape.hosts) {
          const value = data.values[(step * data.hostCount + host) * FIELD_COUNT + field]!;
          max = Math.max(max, value);
          sum += value;
        }
      }
      cells++;
      total += shape.aggregate === "max" ? max : sum / ((to - from) * shape.hosts.length);
    }
  }
  return { cells, total };
}

/** All fields of the rows whose first field is above `limit`; null: of all hosts. */
export function rowsAbove(data: Dataset, hosts: readonly number[] | null, limit: number): Answer {
  const wanted = hosts && new Set(hosts);
  let cells = 0;
  let total = 0;
  for (let row = 0; row < data.stepCount * data.hostCount; row++) {
    if (data.values[row * FIELD_COUNT]! <= limit) continue;
    if (wanted && !wanted.has(row % data.hostCount)) continue;
    cells += FIELD_COUNT;
    for (let field = 0; field < FIELD_COUNT; field++) total += data.values[row * FIELD_COUNT + field]!;
  }
  return { cells, total };
}

/** All fields of the hosts' rows in the steps [first, end). */
export function rowsOf(
  data: Dataset,
  hosts: readonly number[],
  { first, end }: { readonly first: number; readonly end: number },
): Answer {
  let cells = 0;
  let total = 0;
  for (const host of hosts) {
    for (let step = first; step < end; step++) {
      const at = (step * data.hostCount + host) * FIELD_COUNT;
      cells += FIELD_COUNT;
      for (let field = 0; field < FIELD_COUNT; field++) total += data.values[at + field]!;
    }
  }
  return { cells, total };
}

/** All fields of the last step of every host. */
export function latest(data: Dataset): Answer {
  const last = data.values.subarray((data.stepCount - 1) * data.hostCount * FIELD_COUNT);
  return { cells: last.length, total: last.reduce((sum, value) => sum + value, 0) };
}

/** InfluxDB 1.x JSON: numbers in all columns but time (tags are strings, missing values null). */
export function readInflux(body: string): Answer {
  const { results } = JSON.parse(body) as {
    results: { error?: string; series?: { columns: string[]; values: unknown[][] }[] }[];
  };
  let cells = 0;
  let total = 0;
  for (const result of results) {
    if (result.error) throw new Error(result.error);
    for (const { columns, values } of result.series ?? []) {
      const time = columns.indexOf("time");
      for (const row of values) {
        for (let i = 0; i < row.length; i++) {
          if (i === time || typeof row[i] !== "number") continue;
          cells++;
          total += row[i] as number;
        }
      }
    }
  }
  return { cells, total };
}

/** Prometheus JSON, instant (`value`) or range (`values`). */
export function readPrometheus(body: string): Answer {
  const { status, error, data } = JSON.parse(body) as {
    status: string;
    error?: string;
    data: { result: { value?: [number, string]; values?: [number, string][] }[] };
  };
  if (status !== "success") throw new Error(error ?? status);
  let cells = 0;
  let total = 0;
  for (const series of data.result) {
    for (const [, text] of series.values ?? (series.value ? [series.value] : [])) {
      cells++;
      total += Number(text);
    }
  }
  return { cells, total };
}

/** Throws when an answer is not what was asked for. `tolerance` is relative. */
export function compare(actual: Answer, expected: Answer, tolerance: number): void {
  if (actual.cells !== expected.cells) {
    throw new Error(`the answer holds ${actual.cells} values, ${expected.cells} were expected`);
  }
  if (Math.abs(actual.total - expected.total) > tolerance * Math.max(1, Math.abs(expected.total))) {
    throw new Error(`the answer's values add up to ${actual.total}, not to ${expected.total}`);
  }
}

/**
 * Throws when two answers in InfluxDB's JSON are not the same, but for the rounding of floats, and for the `partial` that
 * influxd leaves on a whole series of more than 10,000 rows.
 */
export function compareInflux(actual: string, expected: string): void {
  const theirs = JSON.parse(expected) as { results: { series?: { partial?: boolean }[] }[] };
  for (const { series = [] } of theirs.results) for (const one of series) delete one.partial;
  const place = difference(JSON.parse(actual), theirs, "answer");
  if (place !== null) throw new Error(place);
}

function difference(a: unknown, b: unknown, place: string): string | null {
  if (typeof a === "number" && typeof b === "number") {
    const apart = Number.isInteger(a) && Number.isInteger(b) ? 0 : 1e-12 * Math.max(Math.abs(a), Math.abs(b));
    return Math.abs(a - b) <= apart ? null : `${place}: ${a}, not ${b}`;
  }
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return a === b ? null : `${place}: ${a}, not ${b}`;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const name of names) {
    const found = difference(
      (a as Record<string, unknown>)[name],
      (b as Record<string, unknown>)[name],
      `${place}.${name}`,
    );
    if (found !== null) return found;
  }
  return null;
}

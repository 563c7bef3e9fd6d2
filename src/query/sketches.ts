// Calls that need no values kept: percentile_approx and count_distinct over a stream of blocks, in memory that does not grow
// with the rows.
//
//     scan ── block ── its windows ── the sketch of the group, call and window        the block is let go

import { assert } from "../base/assert.ts";
import { listKey } from "../model/listkey.ts";
import type { Budget, Column, Rows, ScanRequest } from "../model/scan.ts";
import { blocksOf, type SeriesBlock } from "./blocks.ts";
import { isSketched } from "./calls.ts";
import type { Frame } from "./frame.ts";
import { DistinctSketch } from "./functions/distinct-sketch.ts";
import { QuantileSketch } from "./functions/quantile-sketch.ts";
import type { Call, Input, RowValue, SelectPlan } from "./plan.ts";
import { columnReader } from "./points.ts";
import type { Cell } from "./result.ts";
import { selectionOf } from "./selection.ts";
import type { Turn } from "./turn.ts";
import type { WindowValues } from "./values.ts";
import { PointWindows } from "./windows.ts";

/** A group that has rows, with the values of its sketched calls; null = none. */
export interface SketchedGroup {
  readonly tags: readonly string[];
  readonly of: (call: Call) => WindowValues | null;
}

/** Reads the frame once for all sketched calls of an input; by key of the group (its tags, joined). */
export async function sketchGroups(
  plan: SelectPlan,
  input: Input,
  frame: Frame,
  { source, budget }: { readonly source: Rows; readonly budget: Budget },
  turn: Turn,
): Promise<Map<string, SketchedGroup>> {
  const calls = input.calls.filter(isSketched);
  const groups = new Map<string, Group>();
  if (calls.length === 0) return groups;
  const fields = fieldsOf(calls, input);
  const request: ScanRequest = {
    ...selectionOf(plan, input),
    minTime: frame.minTime,
    maxTime: frame.maxTime,
    fields,
    limit: Number.MAX_SAFE_INTEGER,
    descending: false,
    budget,
  };
  for await (const batch of source.scan(request)) {
    for (const block of blocksOf(batch)) {
      if (turn.isOver()) await turn.next();
      const tags = plan.dimensions.map((name) => block.series.tags.get(name) ?? "");
      const key = listKey(tags);
      let group = groups.get(key);
      if (group === undefined) {
        group = new Group(tags, calls);
        groups.set(key, group);
      }
      budget.hold(group.add(block, fields, frame.bounds));
    }
  }
  return groups;
}

/** A count of the values of a tag asks for every field: a row counts whichever it has. */
function fieldsOf(calls: readonly Call[], input: Input): readonly string[] {
  const rows = calls.map(rowOf);
  if (rows.some(({ reference }) => reference.kind === "tag")) return input.fields;
  return [...new Set(rows.map(({ reference }) => reference.name))];
}

function rowOf(call: Call): RowValue {
  assert(call.argument.kind === "field", "a sketch is of a field or tag");
  return call.argument.field;
}

class Group implements SketchedGroup {
  readonly tags: readonly string[];
  /** By call, by window. */
  readonly #sketches: Map<Call, Map<number, Sketch>>;

  constructor(tags: readonly string[], calls: readonly Call[]) {
    this.tags = tags;
    this.#sketches = new Map(calls.map((call) => [call, new Map()]));
  }

  /** Takes a block in; gives the bytes that the group has grown by. */
  add(block: SeriesBlock, fields: readonly string[], bounds: BigInt64Array): number {
    let grown = 0;
    for (const [call, windows] of this.#sketches) {
      const row = rowOf(call);
      const isTag = row.reference.kind === "tag";
      const tag = isTag ? (block.series.tags.get(row.reference.name) ?? null) : null;
      const column = isTag ? null : (block.columns[fields.indexOf(row.reference.name)] ?? null);
      if (tag === null && column === null) continue;
      const times = block.times.subarray(block.start, block.start + block.rowCount);
      const inWindows = new PointWindows(times, bounds);
      while (inWindows.next()) {
        const { window, from, to } = inWindows;
        let sketch = windows.get(window);
        const before = sketch?.sizeBytes ?? 0;
        if (sketch === undefined) {
          sketch = sketchOf(call);
          windows.set(window, sketch);
        }
        if (column === null) sketch.addTag(tag!);
        else sketch.addColumn(column, row, block.start + from, block.start + to);
        grown += sketch.sizeBytes - before;
      }
    }
    return grown;
  }

  readonly of = (call: Call): WindowValues | null => {
    const windows = [...(this.#sketches.get(call) ?? [])].sort(([a], [b]) => a - b);
    const values: Cell[] = [];
    let first = 0;
    for (const [window, sketch] of windows) {
      const value = sketch.value();
      if (value === null) continue;
      if (values.length === 0) first = window;
      while (values.length < window - first) values.push(null);
      values.push(value);
    }
    return values.length === 0 ? null : { first, values };
  };
}

/** What a call keeps of a window. */
interface Sketch {
  readonly sizeBytes: number;
  addTag(value: string): void;
  /** The values of rows [from, to). */
  addColumn(column: Column, row: RowValue, from: number, to: number): void;
  /** null: no value came. */
  value(): Cell;
}

function sketchOf(call: Call): Sketch {
  return call.function === "count_distinct" ? new Distinct() : new Percentile(call.parameters[0]!);
}

class Percentile implements Sketch {
  readonly #sketch = new QuantileSketch();
  readonly #percentile: number;

  constructor(percentile: number) {
    this.#percentile = percentile;
  }

  get sizeBytes(): number {
    return this.#sketch.sizeBytes;
  }

  addTag(): void {
    assert(false, "a percentile of a tag");
  }

  addColumn(column: Column, row: RowValue, from: number, to: number): void {
    const read = columnReader(column, row);
    if (read === null) return;
    for (let i = from; i < to; i++) {
      const value = read(i);
      if (value !== null) this.#sketch.add(Number(value));
    }
  }

  /** The rank is that of percentile(): by nearest rank, and none beside the points. */
  value(): Cell {
    const { count } = this.#sketch;
    const rank = Math.floor((count * this.#percentile) / 100 + 0.5) - 1;
    return rank < 0 || rank >= count ? null : this.#sketch.at(rank);
  }
}

class Distinct implements Sketch {
  readonly #sketch = new DistinctSketch();

  get sizeBytes(): number {
    return this.#sketch.sizeBytes;
  }

  addTag(value: string): void {
    this.#sketch.addText(value);
  }

  addColumn(column: Column, row: RowValue, from: number, to: number): void {
    const read = columnReader(column, row);
    if (read === null) return;
    for (let i = from; i < to; i++) {
      const value = read(i);
      if (typeof value === "number") this.#sketch.addNumber(value);
      else if (typeof value === "string") this.#sketch.addText(value);
      else if (value !== null) this.#sketch.addInteger(value);
    }
  }

  value(): Cell {
    const count = this.#sketch.count();
    return count === 0 ? null : count;
  }
}

// Rows of a scan put into the groups of GROUP BY: for each group its series, for each series its blocks in time order.
import { listKey } from "../model/listkey.ts";
import type { Budget, RowBatch, Rows, ScanRequest, Series } from "../model/scan.ts";
import { FieldType } from "../model/types.ts";
import { blocksOf, type SeriesBlock } from "./blocks.ts";
import { sortTexts } from "./sorting.ts";
import { STEP, type Steps, Turn } from "./turn.ts";

/** After so many blocks, and values of their tags, it looks whether it has to give way. */
const VALUES_A_LOOK = 1024;

export interface RowGroup {
  /** Values of the dimensions, "" = absent. */
  readonly tags: readonly string[];
  /** Blocks ascending in time, of each series, in the order of the series' keys. */
  readonly series: SeriesBlock[][];
}

/** Reads the whole scan; blocks are accounted for in the budget. Groups stand in the order of their tags. */
export async function gatherGroups(
  source: Rows,
  request: ScanRequest,
  dimensions: readonly string[],
): Promise<RowGroup[]> {
  const groups = new Map<string, Gathering>();
  const turn = new Turn(request.budget);
  let blocks: SeriesBlock[] | undefined;
  let key: string | null = null;
  const blocksALook = Math.ceil(VALUES_A_LOOK / (1 + dimensions.length));
  for await (const batch of source.scan(request)) {
    hold(request.budget, batch);
    for (const [i, block] of blocksOf(batch).entries()) {
      if (i % blocksALook === 0 && turn.isOver()) await turn.next();
      if (block.rowCount === 0) continue;
      if (block.series.key !== key) {
        request.budget.hold(SERIES_BYTES + DIMENSION_BYTES * dimensions.length);
        key = block.series.key;
        blocks = seriesOf(groupOf(groups, block.series, dimensions), key);
      }
      blocks!.push(block);
    }
  }
  return turn.through(inOrder(groups));
}

interface Gathering {
  readonly tags: readonly string[];
  series: SeriesBlock[][];
  /** Its series by key, once there are two. */
  byKey: Map<string, SeriesBlock[]> | undefined;
}

function groupOf(groups: Map<string, Gathering>, { tags }: Series, dimensions: readonly string[]): Gathering {
  const values = dimensions.map((name) => tags.get(name) ?? "");
  const key = listKey(values);
  let group = groups.get(key);
  if (group === undefined) {
    group = { tags: values, series: [], byKey: undefined };
    groups.set(key, group);
  }
  return group;
}

// The blocks of a series: a source that joins others may come back to it.
function seriesOf(group: Gathering, key: string): SeriesBlock[] {
  const [only] = group.series;
  if (group.byKey === undefined && only !== undefined) {
    const onlyKey = only[0]!.series.key;
    if (onlyKey === key) return only;
    group.byKey = new Map([[onlyKey, only]]);
  }
  const known = group.byKey?.get(key);
  if (known !== undefined) return known;
  const blocks: SeriesBlock[] = [];
  group.series.push(blocks);
  group.byKey?.set(key, blocks);
  return blocks;
}

// The groups with their series and the blocks of those. (Texts by themselves are sorted four times as fast as what they are keys of.)
function* inOrder(groups: ReadonlyMap<string, Gathering>): Steps<RowGroup[]> {
  const ordered: RowGroup[] = [];
  let done = 0;
  for (const key of yield* sortTexts([...groups.keys()])) {
    const group = groups.get(key)!;
    const { byKey } = group;
    if (byKey !== undefined) {
      group.series = [];
      for (const own of yield* sortTexts([...byKey.keys()])) {
        group.series.push(byKey.get(own)!);
        if (++done % STEP === 0) yield;
      }
    }
    for (const blocks of group.series) if (blocks.length > 1) blocks.sort(byTime);
    ordered.push(group);
    if (++done % STEP === 0) yield;
  }
  return ordered;
}

/** Compares groups by their tags, in the order of the dimensions. */
export function byTags(
  a: { readonly tags: readonly string[] },
  b: { readonly tags: readonly string[] },
): number {
  for (let i = 0; i < a.tags.length; i++)
    if (a.tags[i] !== b.tags[i]) return a.tags[i]! < b.tags[i]! ? -1 : 1;
  return 0;
}

function byTime(a: SeriesBlock, b: SeriesBlock): number {
  return a.times[a.start]! < b.times[b.start]! ? -1 : 1;
}

function hold(budget: Budget, batch: RowBatch): void {
  budget.hold(batchBytes(batch));
  budget.check();
}

/** What a series takes with its tags and its group, bytes. */
const SERIES_BYTES = 800;
/** What the value of a tag that is grouped by takes in the group and its key, bytes. */
const DIMENSION_BYTES = 16;
/** What a text takes beside its characters, bytes. */
const TEXT_BYTES = 40;

/** About how many bytes a batch holds. */
export function batchBytes({ series, times, columns }: RowBatch): number {
  let sizeBytes = 200 * series.length + times.byteLength;
  for (const column of columns) {
    if (column === null) continue;
    if (column.type !== FieldType.String) sizeBytes += column.values.length * 8;
    else for (const text of column.values) sizeBytes += TEXT_BYTES + text.length;
  }
  return sizeBytes;
}

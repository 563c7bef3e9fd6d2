// Rows of a scan put into the groups of GROUP BY: for each group its series, for each series its blocks in time order.
import { listKey } from "../model/listkey.ts";
import type { Budget, Rows, ScanRequest, SeriesBlock } from "../model/scan.ts";

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
  const groups = new Map<string, { tags: readonly string[]; series: Map<string, SeriesBlock[]> }>();
  let series: SeriesBlock[] = [];
  let key: string | null = null;
  for await (const block of source.scan(request)) {
    if (block.rowCount === 0) continue;
    hold(request.budget, block);
    if (block.series.key !== key) {
      key = block.series.key;
      const tags = dimensions.map((name) => block.series.tags.get(name) ?? "");
      const groupKey = listKey(tags);
      let group = groups.get(groupKey);
      if (group === undefined) {
        group = { tags, series: new Map() };
        groups.set(groupKey, group);
      }
      // a source that joins others may come back to a series
      series = group.series.get(key) ?? [];
      group.series.set(key, series);
    }
    series.push(block);
  }
  return [...groups.values()].sort(byTags).map(({ tags, series }) => ({
    tags,
    series: [...series].sort(byKey).map(([, blocks]) => blocks.sort(byTime)),
  }));
}

/** Compares groups by their tags, in the order of the dimensions. */
export function byTags(
  a: { readonly tags: readonly string[] },
  b: { readonly tags: readonly string[] },
): number {
  for (let i = 0; i < a.tags.length; i++) {
    if (a.tags[i]! < b.tags[i]!) return -1;
    if (a.tags[i]! > b.tags[i]!) return 1;
  }
  return 0;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

function byTime(a: SeriesBlock, b: SeriesBlock): number {
  return a.times[0]! < b.times[0]! ? -1 : 1;
}

function hold(budget: Budget, block: SeriesBlock): void {
  budget.hold(blockBytes(block));
  budget.check();
}

/** About how many bytes a block holds. */
export function blockBytes(block: SeriesBlock): number {
  let sizeBytes = 200 + block.times.byteLength;
  for (const column of block.columns)
    if (column !== null)
      sizeBytes += Array.isArray(column.values) ? column.values.length * 40 : column.values.length * 8;
  return sizeBytes;
}

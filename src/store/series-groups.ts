// Series groups: which series of a store make a group of GROUP BY, and in what order they are folded.
//
//   series      0 1 2 3 4 5 6 7      as their rows are stored
//   groups      a b a c b d c a
//   two at once 0 1 2 4 7, 3 5 6     a and b, then c and d
//
// Short series that stand one behind the other share a row group, and may all be of other groups: group after group it were decoded
// for each of them, so it is for as many groups as there is room for.
import { listKey } from "../model/listkey.ts";

export interface SeriesGroups {
  /** By series the number of its group: groups are counted as they are met. */
  readonly ofSeries: Uint32Array;
  /** By group its first series. */
  readonly firsts: Uint32Array;
}

/** Groups [from, to), and their series, which ascend. */
export interface GroupsAtOnce {
  readonly from: number;
  readonly to: number;
  readonly series: Uint32Array;
}

/** By column that it was asked of, as long as that is kept (tag-columns.ts). */
const groupsByColumn = new WeakMap<readonly string[], SeriesGroups>();

/** Groups of `count` series: those with equal values of all tags. `tagColumns`: by tag its value in each. */
export function groupsOf(tagColumns: readonly (readonly string[])[], count: number): SeriesGroups {
  if (tagColumns.length !== 1) return grouped(count, (i) => listKey(tagColumns.map((values) => values[i]!)));
  const only = tagColumns[0]!;
  let groups = groupsByColumn.get(only);
  if (groups === undefined) {
    groups = grouped(count, (i) => only[i]!);
    groupsByColumn.set(only, groups);
  }
  return groups;
}

function grouped(count: number, keyOf: (series: number) => string): SeriesGroups {
  const numbers = new Map<string, number>();
  const ofSeries = new Uint32Array(count);
  const firsts = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const key = keyOf(i);
    let group = numbers.get(key);
    if (group === undefined) {
      group = numbers.size;
      numbers.set(key, group);
      firsts[group] = i;
    }
    ofSeries[i] = group;
  }
  return { ofSeries, firsts: firsts.slice(0, numbers.size) };
}

/** All groups in their order, up to `first` at once and then up to `most`. */
export function* atOnce(
  { ofSeries, firsts }: SeriesGroups,
  first: number,
  most: number,
): Generator<GroupsAtOnce> {
  // (counting sort)
  const timeOf = (group: number): number => Math.floor((group + most - first) / most);
  const times = firsts.length === 0 ? 0 : 1 + timeOf(firsts.length - 1);
  const starts = new Uint32Array(times + 1);
  for (const group of ofSeries) starts[1 + timeOf(group)]!++;
  for (let time = 0; time < times; time++) starts[1 + time]! += starts[time]!;
  const series = new Uint32Array(ofSeries.length);
  const next = starts.slice();
  for (let i = 0; i < ofSeries.length; i++) series[next[timeOf(ofSeries[i]!)]!++] = i;
  for (let time = 0, from = 0; time < times; time++) {
    const to = Math.min(firsts.length, first + time * most);
    yield { from, to, series: series.subarray(starts[time], starts[1 + time]) };
    from = to;
  }
}

// The plain twin of kernels/assembly/memtable.ts and gather.ts: rows as objects, in the order in which they came.

export type TwinValue = number | bigint | boolean | string;

export interface TwinRow {
  readonly time: bigint;
  /** Field id -> value. */
  readonly values: ReadonlyMap<number, TwinValue>;
}

export class MemtableTwin {
  /** By series id, in order of arrival. */
  readonly #rows = new Map<number, TwinRow[]>();

  append(id: number, row: TwinRow): void {
    const rows = this.#rows.get(id);
    if (rows) rows.push(row);
    else this.#rows.set(id, [row]);
  }

  /** Rows that go; `rowCount` and `times` go on counting them. */
  delete(id: number, ranges: readonly (readonly [bigint, bigint])[]): number {
    const rows = this.#rows.get(id) ?? [];
    const kept = rows.filter(({ time }) => !ranges.some(([first, last]) => time >= first && time <= last));
    if (kept.length > 0) this.#rows.set(id, kept);
    else this.#rows.delete(id);
    return rows.length - kept.length;
  }

  /** Values that go, and rows that have no other; `rowCount` and `times` go on counting these. */
  deleteFields(
    id: number,
    ranges: readonly (readonly [bigint, bigint])[],
    fieldIds: readonly number[],
  ): number {
    let taken = 0;
    const kept = (this.#rows.get(id) ?? [])
      .map(({ time, values }) => {
        if (!ranges.some(([first, last]) => time >= first && time <= last)) return { time, values };
        const left = new Map([...values].filter(([field]) => !fieldIds.includes(field)));
        taken += values.size - left.size;
        return { time, values: left };
      })
      .filter(({ values }) => values.size > 0);
    if (kept.length > 0) this.#rows.set(id, kept);
    else this.#rows.delete(id);
    return taken;
  }

  get rowCount(): number {
    return [...this.#rows.values()].flat().length;
  }

  /** Times of all rows, ascending. */
  get times(): bigint[] {
    return [...this.#rows.values()]
      .flat()
      .map((row) => row.time)
      .sort((a, b) => (a < b ? -1 : 1));
  }

  /** Ids below `limit` that have rows, ascending. */
  series(limit: number): number[] {
    return [...this.#rows.keys()].filter((id) => id < limit).sort((a, b) => a - b);
  }

  seriesRows(id: number): number {
    return this.#rows.get(id)?.length ?? 0;
  }

  nextTime(ids: readonly number[], from: bigint): bigint | undefined {
    const later = ids.flatMap((id) => this.#rows.get(id) ?? []).filter((row) => row.time >= from);
    return later.map((row) => row.time).sort((a, b) => (a < b ? -1 : 1))[0];
  }

  /** Rows of a series with minTime <= time <= maxTime, ascending, those of equal time in order of arrival. */
  collect(id: number, minTime: bigint, maxTime: bigint): TwinRow[] {
    return (this.#rows.get(id) ?? [])
      .filter((row) => row.time >= minTime && row.time <= maxTime)
      .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  }
}

/** Rows of equal time as one, the later value of a field wins; only the values of `fieldIds`. */
export function gatherTwin(rows: readonly TwinRow[], fieldIds: readonly number[]): TwinRow[] {
  const byTime = new Map<bigint, Map<number, TwinValue>>();
  for (const { time, values } of rows) {
    const merged = byTime.get(time) ?? new Map<number, TwinValue>();
    byTime.set(time, merged);
    for (const [field, value] of values) if (fieldIds.includes(field)) merged.set(field, value);
  }
  return [...byTime].map(([time, values]) => ({ time, values }));
}

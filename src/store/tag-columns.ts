// Tag columns: the values of a tag in all series of a table, kept from query to query until a series comes or goes.
//
// Dashboards group by the same tags again and again; to read the values out of the tag index takes as long as to fold a page a series.

/** Values that are kept of a partition: some 120 bytes each, with the groups that they make (series-groups.ts). */
const MOST_VALUES = 8192;

export class TagColumns {
  readonly #columns = new Map<string, readonly string[]>();
  #valueCount = 0;
  #changes = -1;

  /** The column of a tag as it was read when the catalog had seen so many changes, else read now. Do not change the array. */
  of(tableId: number, key: string, changes: number, read: () => readonly string[]): readonly string[] {
    if (changes !== this.#changes) this.#clear();
    this.#changes = changes;
    const name = `${tableId} ${key}`;
    const kept = this.#columns.get(name);
    if (kept !== undefined) return kept;
    const column = read();
    // (of a tag that no series has nothing is kept: there is no end of such names)
    if (column.length > MOST_VALUES || column.every((value) => value === "")) return column;
    if (this.#valueCount + column.length > MOST_VALUES) this.#clear();
    this.#columns.set(name, column);
    this.#valueCount += column.length;
    return column;
  }

  #clear(): void {
    this.#columns.clear();
    this.#valueCount = 0;
  }
}

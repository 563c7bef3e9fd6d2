// The plain twin of kernels/assembly/catalog.ts: the series of one partition as an array, looked up from the front.

/** Table id of series that were dropped. */
export const DROPPED = 0xffff_ffff;

export interface TwinSeries {
  table: number;
  /** latin1: one character a byte. */
  readonly key: string;
}

export class CatalogTwin {
  /** By id. */
  readonly series: TwinSeries[] = [];
  /** Table and key -> the lowest id. */
  #ids = new Map<string, number>();

  find(table: number, key: string): number | undefined {
    return this.#ids.get(`${table}:${key}`);
  }

  add(table: number, key: string): number {
    return this.find(table, key) ?? this.append(table, key);
  }

  append(table: number, key: string): number {
    const id = this.series.push({ table, key }) - 1;
    if (table !== DROPPED && this.find(table, key) === undefined) this.#ids.set(`${table}:${key}`, id);
    return id;
  }

  dropSeries(ids: readonly number[]): void {
    for (const id of ids) this.series[id]!.table = DROPPED;
    this.#ids = new Map();
    for (const [id, { table, key }] of this.series.entries())
      if (table !== DROPPED && this.find(table, key) === undefined) this.#ids.set(`${table}:${key}`, id);
  }

  list(...tables: number[]): number[] {
    return [...this.series.keys()].filter((id) => tables.includes(this.series[id]!.table));
  }
}

// The distinct series ids of a table while it is written, ascending, in one growing array: for keys and filter.
import { assert } from "../base/assert.ts";
import type { SeriesList } from "./series-list.ts";

export class SeriesIds {
  #ids = new Uint32Array(16);
  #count = 0;

  get ids(): Uint32Array {
    return this.#ids.subarray(0, this.#count);
  }

  /** Adds the series of a row group; asserts that ids ascend and that the rows are `rowCount`. */
  add({ ids, rows }: SeriesList, rowCount: number): void {
    assert(rowCount > 0 && ids.length === rows.length, "a row group without rows or row counts");
    this.#reserve(this.#count + ids.length);
    let last = this.#count === 0 ? -1 : this.#ids[this.#count - 1]!;
    let sum = 0;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      // only the first of a group may go on from the group before
      assert(id > last || (i === 0 && id === last), `series ids descend: ${id} after ${last}`);
      assert(rows[i]! > 0, `series ${id} without rows`);
      if (id !== last) this.#ids[this.#count++] = id;
      last = id;
      sum += rows[i]!;
    }
    assert(sum === rowCount, `${sum} rows of series in a group of ${rowCount}`);
  }

  #reserve(count: number): void {
    if (count <= this.#ids.length) return;
    const grown = new Uint32Array(Math.max(this.#ids.length * 2, count));
    grown.set(this.ids);
    this.#ids = grown;
  }
}

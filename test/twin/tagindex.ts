// The plain twin of kernels/assembly/tagindex.ts: looks at every series of the catalog, every time.
import type { CatalogTwin } from "./catalog.ts";

/** The pieces of a canonical key, as escaped there: a comma that follows no backslash ends one. */
function piecesOf(key: string): string[] {
  return key.split(/(?<!\\),/);
}

/** Escaped tag keys of a key, and of each its value and `key=value`. */
function tagsOf(key: string): { name: string; value: string; text: string }[] {
  return piecesOf(key)
    .slice(1)
    .map((text) => {
      const name = text.split(/(?<!\\)=/)[0]!;
      return { name, value: text.slice(name.length + 1), text };
    });
}

export class TagIndexTwin {
  constructor(readonly catalog: CatalogTwin) {}

  /** Escaped tag keys of a table. */
  tagKeys(table: number): Set<string> {
    return new Set(this.#tags(table).map(({ name }) => name));
  }

  /** Every value of a tag, escaped. */
  tagValues(table: number, name: string): Set<string> {
    return new Set(
      this.#tags(table)
        .filter((tag) => tag.name === name)
        .map(({ value }) => value),
    );
  }

  /** Ids of the series that have `key=value`. */
  postings(table: number, text: string): number[] {
    return this.catalog
      .list(table)
      .filter((id) => tagsOf(this.catalog.series[id]!.key).some((tag) => tag.text === text));
  }

  /** The value of a series for a tag, "" = absent. */
  valueOf(id: number, name: string): string {
    return tagsOf(this.catalog.series[id]!.key).find((tag) => tag.name === name)?.value ?? "";
  }

  #tags(table: number) {
    return this.catalog.list(table).flatMap((id) => tagsOf(this.catalog.series[id]!.key));
  }
}

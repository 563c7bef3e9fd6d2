// The plain twin of kernels/assembly/tagindex.ts: looks at every series of the catalog, every time.
import type { CatalogTwin } from "./catalog.ts";

/** The pieces of a canonical key, as escaped there: a comma that follows no backslash ends one. */
function piecesOf(key: string): string[] {
  return key.split(/(?<!\\),/);
}

/** Escaped tag keys of a key and `key=value` of each. */
function tagsOf(key: string): { name: string; text: string }[] {
  return piecesOf(key)
    .slice(1)
    .map((text) => ({ name: text.split(/(?<!\\)=/)[0]!, text }));
}

export class TagIndexTwin {
  constructor(readonly catalog: CatalogTwin) {}

  /** Escaped tag keys of a table. */
  tagKeys(table: number): Set<string> {
    return new Set(this.#tags(table).map(({ name }) => name));
  }

  /** `key=value`, escaped, of every value of a tag. */
  tagValues(table: number, name: string): Set<string> {
    return new Set(
      this.#tags(table)
        .filter((tag) => tag.name === name)
        .map(({ text }) => text),
    );
  }

  /** Ids of the series that have `key=value`. */
  postings(table: number, text: string): number[] {
    return this.catalog
      .list(table)
      .filter((id) => tagsOf(this.catalog.series[id]!.key).some((tag) => tag.text === text));
  }

  /** `key=value` of a series for a tag, "" = absent. */
  valueOf(id: number, name: string): string {
    return tagsOf(this.catalog.series[id]!.key).find((tag) => tag.name === name)?.text ?? "";
  }

  #tags(table: number) {
    return this.catalog.list(table).flatMap((id) => tagsOf(this.catalog.series[id]!.key));
  }
}

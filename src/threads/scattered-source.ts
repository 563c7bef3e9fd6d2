// One source of many: each has some of the partitions, all are asked side by side, their answers are put together.
//
// A series is in one of them alone, so rows are passed on as they come. A group of a fold may come from several, which the reader
// of a fold merges: in the same order whoever of them is asked and whichever answers first, as sums of floats depend on it.

import type { Expression } from "../model/expression.ts";
import { foldedBytes } from "../model/folded.ts";
import { listKey } from "../model/listkey.ts";
import type {
  Budget,
  FoldedGroups,
  FoldRequest,
  RowBatch,
  ScanRequest,
  Selection,
  SeriesCount,
  ShareRequest,
  Source,
} from "../model/scan.ts";
import type { FieldInfo } from "../model/types.ts";

/** Answers that are kept while nothing has changed, at most. */
const MOST_KEPT = 1000;
/** Of conditions that take more characters nothing is kept: they are not what dashboards ask again and again. */
const MOST_CHARACTERS = 4096;

/** A source that makes shares of answers, too. */
export interface SharingSource extends Source {
  share(request: ShareRequest): AsyncIterable<Uint8Array>;
}

export class ScatteredSource implements Source {
  readonly #own: Source;
  readonly #others: readonly SharingSource[];
  /** Those of the others that stand before this one. */
  readonly #earlier: ReadonlySet<Source>;
  readonly #changes: () => string;
  /** Fields and tag keys, which every query asks for. */
  readonly #kept = new Map<string, unknown>();
  #keptChanges = "";
  /** What is grouped by which tags, where there are no shares. */
  readonly #mixed = new Set<string>();

  /**
   * `place`: of `own` among all, from 0; the others stand in their order. `changes`: another number whenever a field or a series has
   * come or gone in any of the sources.
   */
  constructor(own: Source, others: readonly SharingSource[], place: number, changes: () => string) {
    this.#own = own;
    this.#others = others;
    this.#earlier = new Set(others.slice(0, place));
    this.#changes = changes;
  }

  async *scan(request: ScanRequest): AsyncGenerator<RowBatch> {
    const ask = (source: Source, onSeries: () => void) => source.scan({ ...request, onSeries });
    yield* this.#wherever(request, ask, (asked, askOne) => this.#sideBySide(asked, askOne));
  }

  async *fold(request: FoldRequest): AsyncGenerator<FoldedGroups> {
    const ask = (source: Source, onSeries: () => void) => source.fold({ ...request, onSeries });
    yield* this.#wherever(request, ask, (asked, askOne) => this.#inOrder(asked, askOne, request.budget));
  }

  /** The shares of an answer that others may have, each asked for at once; null: these groups are known to be in several sources. */
  shares(request: ShareRequest): AsyncIterable<Uint8Array>[] | null {
    if (this.#mixed.has(groupsOf(request))) return null;
    const search = this.#search(request);
    const shares = search.asked.map((source) => new Begun<Uint8Array, SharingSource>(source));
    let reading = shares.length;
    const onEnd = () => {
      if (--reading === 0) search.end();
    };
    try {
      for (const share of shares)
        share.begin((source) => source.share({ ...request, onSeries: () => search.found.add(source) }));
    } catch (error) {
      for (const share of shares) share.end();
      throw error;
    }
    return shares.map((share) => share.all(onEnd));
  }

  /** These groups are in several sources. They stay so when series come, and to ask once more when these have gone is not worth it. */
  noShares(request: ShareRequest): void {
    if (this.#mixed.size >= MOST_KEPT) this.#mixed.clear();
    this.#mixed.add(groupsOf(request));
  }

  async *seriesKeys(
    database: string,
    measurement: string,
    where: Expression | null,
  ): AsyncGenerator<string[]> {
    yield* this.#sideBySide(this.#others, (source) => source.seriesKeys(database, measurement, where));
  }

  async measurements(database: string, where: Expression | null): Promise<string[]> {
    return union(await this.#all((source) => source.measurements(database, where)));
  }

  fields(database: string, measurement: string, retentionPolicy?: string): Promise<readonly FieldInfo[]> {
    return this.#keep(listKey(["fields", database, measurement, retentionPolicy ?? ""]), async () => {
      const ask = (hasSeries: boolean) =>
        this.#all((source) => source.fields(database, measurement, retentionPolicy, hasSeries));
      let lists = await ask(false);
      // (one whose series of it have gone still knows their fields, as it does where it has all series)
      const isPartly = lists.some(({ length }) => length === 0) && lists.some(({ length }) => length > 0);
      if (isPartly) lists = await ask(true);
      const byName = new Map<string, FieldInfo>();
      for (const fields of lists)
        for (const field of fields) if (!byName.has(field.name)) byName.set(field.name, field);
      return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  async tagKeys(
    database: string,
    measurement: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): Promise<readonly string[]> {
    const ask = async () =>
      union(await this.#all((source) => source.tagKeys(database, measurement, where, retentionPolicy)));
    if (where !== null || retentionPolicy !== undefined) return ask();
    return this.#keep(listKey(["tags", database, measurement]), ask);
  }

  async *tagValues(
    database: string,
    measurement: string,
    key: string,
    where: Expression | null,
    retentionPolicy?: string,
  ): AsyncGenerator<string[]> {
    const ask = (source: Source) => source.tagValues(database, measurement, key, where, retentionPolicy);
    yield* this.#sideBySide(this.#others, ask);
  }

  async countSeries(
    database: string,
    retentionPolicy: string,
    measurement: string,
    where: Expression | null,
    groupBy: readonly string[],
  ): Promise<SeriesCount[]> {
    const byTags = new Map<string, SeriesCount>();
    const all = await this.#all((source) =>
      source.countSeries(database, retentionPolicy, measurement, where, groupBy),
    );
    for (const { tags, count } of all.flat()) {
      const key = listKey(tags);
      byTags.set(key, { tags, count: count + (byTags.get(key)?.count ?? 0) });
    }
    return [...byTags.values()];
  }

  async seriesCardinality(database: string, measurement: string): Promise<number> {
    const counts = await this.#all((source) => source.seriesCardinality(database, measurement));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  #all<T>(ask: (source: Source) => Promise<T>): Promise<T[]> {
    // (the others first: they work while this thread does; one that cannot be asked must not leave the rest unattended)
    const others = this.#others.map(async (source) => ask(source));
    return Promise.all([ask(this.#own), ...others]);
  }

  async *#wherever<T>(
    selection: Selection,
    ask: (source: Source, onSeries: () => void) => AsyncIterable<T>,
    read: (asked: readonly Source[], ask: Ask<T>) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const search = this.#search(selection);
    yield* read(search.asked, (source) =>
      ask(source, () => {
        search.found.add(source);
        selection.onSeries?.();
      }),
    );
    search.end();
  }

  // Those that may have a series of the tags. Which of them have none is remembered: a dashboard asks the same again and again, and
  // often of one series.
  #search({ database, retentionPolicy, measurement, where }: Selection): Search {
    const key = `none\0${JSON.stringify([database, retentionPolicy, measurement, where], plain)}`;
    const changes = this.#changesNow();
    const without = (this.#kept.get(key) ?? NOBODY) as ReadonlySet<Source>;
    const found = new Set<Source>();
    const asked = this.#others.filter((source) => !without.has(source));
    const end = () => {
      if (asked.every((source) => found.has(source)) || this.#keptChanges !== changes) return;
      if (key.length > MOST_CHARACTERS) return;
      this.#kept.set(key, new Set(this.#others.filter((source) => !found.has(source))));
    };
    return { asked, found, end };
  }

  // What this thread has, then what the others have.
  async *#sideBySide<T>(asked: readonly Source[], ask: Ask<T>): AsyncGenerator<T> {
    const others = asked.map((source) => new Begun<T>(source));
    try {
      for (const other of others) other.begin(ask);
      yield* ask(this.#own);
      for (const other of others) yield* other.rest();
    } finally {
      for (const other of others) other.end();
    }
  }

  // Source after source. What this thread has is kept until those before it are done: it works while they do.
  async *#inOrder(
    asked: readonly Source[],
    ask: Ask<FoldedGroups>,
    budget: Budget,
  ): AsyncGenerator<FoldedGroups> {
    const others = asked.map((source) => new Begun<FoldedGroups>(source));
    const earlier = others.filter(({ source }) => this.#earlier.has(source));
    try {
      for (const other of others) other.begin(ask);
      const own: FoldedGroups[] = [];
      if (earlier.length === 0) yield* ask(this.#own);
      else
        for await (const groups of ask(this.#own)) {
          budget.hold(foldedBytes(groups));
          own.push(groups);
        }
      for (const other of earlier) yield* other.rest();
      for (const groups of own) {
        budget.hold(-foldedBytes(groups));
        yield groups;
      }
      for (const other of others.slice(earlier.length)) yield* other.rest();
    } finally {
      for (const other of others) other.end();
    }
  }

  // What was kept of before a change is forgotten.
  #changesNow(): string {
    const changes = this.#changes();
    if (changes !== this.#keptChanges || this.#kept.size >= MOST_KEPT) this.#kept.clear();
    this.#keptChanges = changes;
    return changes;
  }

  async #keep<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const changes = this.#changesNow();
    const kept = this.#kept.get(key) as T | undefined;
    if (kept !== undefined) return kept;
    const answer = await ask();
    if (this.#keptChanges === changes) this.#kept.set(key, answer);
    return answer;
  }
}

type Ask<T> = (source: Source) => AsyncIterable<T>;

/** Who is asked for rows. */
interface Search {
  readonly asked: readonly SharingSource[];
  /** Those that have a series. */
  readonly found: Set<Source>;
  /** All have answered. */
  end(): void;
}

/** Another source that has been asked, and works. */
class Begun<T, S extends Source = Source> {
  readonly source: S;
  #items: AsyncIterator<T> | undefined;
  #first: Promise<IteratorResult<T>> | undefined;

  constructor(source: S) {
    this.source = source;
  }

  /** Throws when it cannot be asked. */
  begin(ask: (source: S) => AsyncIterable<T>): void {
    this.#items = ask(this.source)[Symbol.asyncIterator]();
    this.#first = this.#items.next();
    this.#first.catch(() => undefined); // it is thrown when its turn comes, or another error is first
  }

  async *rest(): AsyncGenerator<T> {
    for (let next = await this.#first!; !next.done; next = await this.#items!.next()) yield next.value;
  }

  /** All that it gives; it ends with whoever reads. `onEnd`: there is no more. */
  async *all(onEnd: () => void): AsyncGenerator<T> {
    try {
      yield* this.rest();
      onEnd();
    } finally {
      this.end();
    }
  }

  end(): void {
    this.#items?.return?.().catch(() => undefined);
  }
}

function groupsOf({ database, retentionPolicy, measurement, groupBy }: ShareRequest): string {
  return listKey([database, retentionPolicy, measurement, ...groupBy]);
}

const NOBODY: ReadonlySet<Source> = new Set();

// int64 values of conditions have no JSON
const plain = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);

function union(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())].sort();
}

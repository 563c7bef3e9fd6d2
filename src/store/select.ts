// Select: which series of a table satisfy the tag part of a condition, out of the tag index.
//
// The part of a condition that speaks of tags alone is answered by set operations on sorted id lists. What also speaks
// of fields is left for the rows; when it mentions tags, too, theirs are put in series by series (model/predicate.ts).

import { OverloadedError } from "../base/errors.ts";
import { type Kernels, type Pointer, Scratch } from "../kernels/kernels.ts";
import { evaluate } from "../model/evaluate.ts";
import type { Expression } from "../model/expression.ts";
import { reduce, separate, tagsOf } from "../model/predicate.ts";
import { RegexCache } from "../model/regex.ts";
import { decodeSeriesKey, escapeTag } from "../model/serieskey.ts";
import type { Catalog } from "./catalog.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const utf8Bytes = new TextEncoder();
/** A partition mostly has none of the few series that a condition names. */
const NONE = new Uint32Array(0);

/** The series of a table, ascending: all, or those that are among others. */
type Matching = (tableId: number, within: Uint32Array | null) => Uint32Array;

/** With so many times fewer series than a tag has values a condition over it is asked of each of them rather than of each value. */
const FEW = 4;

interface SplitCondition {
  /** What the tags decide; null = all series. */
  readonly matching: Matching | null;
  /** What is left for the rows; null = nothing. */
  readonly rows: Expression | null;
}

export interface SelectedSeries {
  /** Ascending. */
  readonly ids: Uint32Array;
  /** Per id what remains of the condition; null = nothing does for any of them. */
  readonly residuals: readonly (Expression | null)[] | null;
}

export class SeriesSelector {
  readonly #kernels: Kernels;
  #catalog: Catalog;
  readonly #scratch: Scratch;
  readonly #regexes = new RegexCache();
  /** What was worked out of conditions and texts stays for the next catalog. */
  readonly #splits = new Map<Expression, SplitCondition>();
  /** Where texts stand in linear memory, and the areas that they fill. */
  readonly #placed = new Map<string, { readonly at: Pointer; readonly sizeBytes: number }>();
  readonly #areas: Pointer[] = [];
  /** A column without values. */
  #empty: readonly string[] = [];
  #freeAt: Pointer = 0;
  #freeEnd: Pointer = 0;

  /** Brings the tag index up to date. `close` when done. */
  constructor(kernels: Kernels, catalog: Catalog) {
    this.#kernels = kernels;
    this.#catalog = catalog;
    this.#scratch = new Scratch(kernels);
    this.over(catalog);
  }

  /** From now on selects from another catalog, whose tag index it brings up to date. */
  over(catalog: Catalog): this {
    this.#catalog = catalog;
    if (!this.#kernels.call.tagIndexExtend(catalog.record))
      throw new OverloadedError("out of linear memory: no room for the tag index");
    return this;
  }

  close(): void {
    this.#scratch.release();
    for (const area of this.#areas) this.#kernels.free(area);
  }

  select(tableId: number, where: Expression | null): SelectedSeries {
    if (where === null) return { ids: this.#all(tableId), residuals: null };
    const { matching, rows } = this.#split(where);
    const ids = matching === null ? this.#all(tableId) : matching(tableId, null);
    if (rows === null || ids.length === 0) return { ids, residuals: null };
    if (tagsOf(rows).length === 0) return { ids, residuals: new Array(ids.length).fill(rows) };
    const kept: number[] = [];
    const residuals: (Expression | null)[] = [];
    for (const id of ids) {
      const { tags: own } = decodeSeriesKey(this.#catalog.key(id));
      const tagValue = (name: string) => own.find((tag) => tag.key === name)?.value ?? "";
      const left = reduce(rows, tagValue, this.#regexes);
      if (left === false) continue;
      kept.push(id);
      residuals.push(left === true ? null : left);
    }
    return { ids: Uint32Array.from(kept), residuals };
  }

  #split(where: Expression): SplitCondition {
    let split = this.#splits.get(where);
    if (split === undefined) {
      const { tags, rows } = separate(where);
      split = { matching: tags === null ? null : this.#compile(tags), rows };
      this.#splits.set(where, split);
    }
    return split;
  }

  /** How many series a table has. */
  count(tableId: number): number {
    return this.#count(this.#find(tableId, ""));
  }

  /** Unescaped tag keys of a table, unsorted. */
  tagKeys(tableId: number): string[] {
    const table = this.#find(tableId, "");
    // a table only ever gains keys, until a drop
    const known = this.#catalog.tagKeys.get(tableId);
    const count = table === 0 ? 0 : this.#kernels.call.tagIndexKeyCount(table) >>> 0;
    if (known?.length === count) return known.slice();
    const at = this.#scratch.reserve(count * 8 + 8);
    if (count > 0) this.#kernels.call.tagIndexKeys(table, at);
    const keys = this.#texts(this.#kernels.u32(at, count * 2).slice());
    this.#catalog.tagKeys.set(tableId, keys.slice());
    return keys;
  }

  /** Distinct values of a tag, unsorted. */
  tagValues(tableId: number, key: string): string[] {
    return this.#texts(this.#placesOfValues(tableId, key));
  }

  // Where they stand in linear memory, as pairs of pointer and length.
  #placesOfValues(tableId: number, key: string): Uint32Array {
    if (!canBeTag(key)) return NONE;
    const reference = this.#find(tableId, escapeTag(key));
    if (reference === 0) return NONE;
    const count = this.#count(reference);
    const at = this.#scratch.reserve(this.#room(reference) * 8);
    this.#kernels.call.tagIndexValues(this.#catalog.record, reference, at);
    return this.#kernels.u32(at, count * 2).slice();
  }

  #valueCount(tableId: number, key: string): number {
    return this.#count(this.#find(tableId, escapeTag(key)));
  }

  /** Per series the value of a tag, "" = absent. Equal values are the same string. Do not change the array. */
  valuesOf(tableId: number, ids: Uint32Array, key: string): readonly string[] {
    const hasTag = () => !canBeTag(key) || this.#find(tableId, escapeTag(key)) !== 0;
    const read = () => (hasTag() ? this.#readValues(tableId, ids, key) : this.#noValues(ids.length));
    if (ids.length !== this.count(tableId)) return read();
    return this.#catalog.tagColumns.of(tableId, key, this.#catalog.changes, read);
  }

  // The same for all tags that no series has, which may be thousands.
  #noValues(count: number): readonly string[] {
    if (this.#empty.length !== count) this.#empty = new Array<string>(count).fill("");
    return this.#empty;
  }

  #readValues(tableId: number, ids: Uint32Array, key: string): string[] {
    const escaped = utf8Bytes.encode(escapeTag(key));
    const out = this.#scratch.reserve(ids.length * 12 + escaped.length + 16);
    const at = out + ids.length * 8;
    const textAt = at + ids.length * 4;
    this.#kernels.u32(at, ids.length).set(ids);
    this.#kernels.put(textAt, escaped);
    const { record } = this.#catalog;
    this.#kernels.call.tagIndexValuesOf(record, tableId, at, ids.length, textAt, escaped.length, out);
    const pairs = this.#kernels.u32(out, ids.length * 2);
    // by pointer its place among those found: mostly each is another
    const places = new Map<number, number>();
    const found = new Uint32Array(pairs.length);
    for (let i = 0; i < pairs.length; i += 2) {
      const pointer = pairs[i]!;
      if (pointer === 0 || places.has(pointer)) continue;
      found.set(pairs.subarray(i, i + 2), places.size * 2);
      places.set(pointer, places.size);
    }
    const texts = this.#texts(found.subarray(0, places.size * 2));
    if (texts.length === ids.length) return texts;
    return Array.from(ids, (_, i) => (pairs[i * 2] === 0 ? "" : texts[places.get(pairs[i * 2]!)!]!));
  }

  // A condition over tags, worked out once: gives the series of a table for which it holds, of the catalog in hand, all or of those
  // within others.
  #compile(where: Expression): Matching {
    if (where.kind === "binary" && (where.operator === "and" || where.operator === "or")) {
      const [left, right] = [this.#compile(where.left), this.#compile(where.right)];
      if (where.operator === "or")
        return (tableId, within) => unite(left(tableId, within), right(tableId, within));
      // (what the index tells at once comes first)
      const [first, second] = isTold(where.left) || !isTold(where.right) ? [left, right] : [right, left];
      return (tableId, within) => {
        const ids = first(tableId, within);
        return ids.length === 0 ? NONE : second(tableId, ids);
      };
    }
    const [tag, ...others] = tagsOf(where);
    if (tag === undefined) {
      const always = evaluate(where, () => null, this.#regexes) === true;
      return (tableId, within) => (always ? (within ?? this.#all(tableId)) : NONE);
    }
    if (others.length > 0)
      return (tableId, within) => this.#matchingEach(within ?? this.#all(tableId), where);
    const equal = equalTo(where);
    if (equal === null || !canBeTag(tag))
      return (tableId, within) => this.#matchingOne(tableId, tag, where, within);
    const text = `${escapeTag(tag)}=${escapeTag(equal.value)}`;
    if (equal.negated)
      return (tableId, within) => subtract(within ?? this.#all(tableId), this.#seriesOf(tableId, text));
    return (tableId, within) => {
      const ids = this.#seriesOf(tableId, text);
      return within === null ? ids : intersect(within, ids);
    };
  }

  // A condition that compares tags with each other: asked of every series.
  #matchingEach(ids: Uint32Array, where: Expression): Uint32Array {
    return ids.filter((id) => {
      const { tags } = decodeSeriesKey(this.#catalog.key(id));
      return (
        reduce(where, (name) => tags.find((tag) => tag.key === name)?.value ?? "", this.#regexes) === true
      );
    });
  }

  // A condition over one tag: asked of each value that the tag has, or of that of each series where these are few.
  #matchingOne(tableId: number, tag: string, where: Expression, within: Uint32Array | null): Uint32Array {
    const holds = (value: string) => evaluate(where, () => value, this.#regexes) === true;
    if (within !== null && canBeTag(tag) && within.length * FEW < this.#valueCount(tableId, tag)) {
      const values = this.#readValues(tableId, within, tag);
      return within.filter((_, i) => holds(values[i]!));
    }
    const ids = this.#matchingValues(tableId, tag, holds);
    return within === null ? ids : intersect(within, ids);
  }

  #matchingValues(tableId: number, tag: string, holds: (value: string) => boolean): Uint32Array {
    const places = this.#placesOfValues(tableId, tag);
    const values = this.#texts(places);
    // where a series without the tag is one of them, they are all but those of the values that do not match
    const isForNone = holds("");
    const told: number[] = [];
    for (let i = 0; i < values.length; i++) if (holds(values[i]!) !== isForNone) told.push(i);
    const ids = this.#seriesOfEach(tableId, tag, places, told);
    return isForNone ? subtract(this.#all(tableId), ids) : ids;
  }

  // The series of several values of a tag: those that stand at these of the places.
  #seriesOfEach(tableId: number, tag: string, places: Uint32Array, indices: readonly number[]): Uint32Array {
    if (indices.length === 0) return NONE;
    const { call } = this.#kernels;
    const { record } = this.#catalog;
    const key = this.#placed.get(escapeTag(tag)) ?? this.#place(escapeTag(tag));
    const out = this.#scratch.reserve(this.#room(this.#find(tableId, "")) * 4 + 8);
    let end = out;
    for (const i of indices) {
      const value = [places[2 * i]!, places[2 * i + 1]!] as const;
      const reference = call.tagIndexFindValue(record, tableId, key.at, key.sizeBytes, ...value) >>> 0;
      call.tagIndexSeries(record, reference, end);
      end += this.#count(reference) * 4;
    }
    return this.#kernels.words.slice(out >>> 2, end >>> 2).sort();
  }

  #all(tableId: number): Uint32Array {
    return this.#seriesOf(tableId, "");
  }

  #seriesOf(tableId: number, text: string): Uint32Array {
    return this.#series(this.#find(tableId, text));
  }

  // References of the tag index, 0 = none: see the head of kernels/assembly/tagindex.ts.
  #find(tableId: number, text: string): number {
    const { at, sizeBytes } = this.#placed.get(text) ?? this.#place(text);
    return this.#findAt(tableId, at, sizeBytes);
  }

  #findAt(tableId: number, at: Pointer, sizeBytes: number): number {
    return this.#kernels.call.tagIndexFind(this.#catalog.record, tableId, at, sizeBytes) >>> 0;
  }

  #count(reference: number): number {
    return reference === 0 ? 0 : this.#kernels.call.tagIndexCount(reference) >>> 0;
  }

  #room(reference: number): number {
    return this.#kernels.call.tagIndexRoom(reference) >>> 0;
  }

  // Puts a text into linear memory, for all catalogs.
  #place(text: string): { at: Pointer; sizeBytes: number } {
    const bytes = utf8Bytes.encode(text);
    const sizeBytes = bytes.length;
    if (this.#freeEnd - this.#freeAt < sizeBytes || this.#areas.length === 0) {
      const area = this.#kernels.alloc(sizeBytes + 8);
      this.#areas.push(area);
      this.#freeAt = area;
      this.#freeEnd = area + (this.#kernels.call.areaSize(area) >>> 0);
    }
    const at = this.#freeAt;
    this.#kernels.put(at, bytes);
    this.#freeAt += sizeBytes;
    const placed = { at, sizeBytes };
    this.#placed.set(text, placed);
    return placed;
  }

  #series(reference: number): Uint32Array {
    if (reference === 0) return NONE;
    const count = this.#count(reference);
    const out = this.#scratch.reserve(this.#room(reference) * 4 + 8);
    this.#kernels.call.tagIndexSeries(this.#catalog.record, reference, out);
    return this.#kernels.words.slice(out >>> 2, (out >>> 2) + count);
  }

  // Texts, pairs of pointer and length, unescaped: decoded at once, as each decoding takes as long as many characters.
  #texts(places: Uint32Array): string[] {
    const { bytes } = this.#kernels;
    let sizeBytes = 0;
    for (let i = 1; i < places.length; i += 2) sizeBytes += places[i]!;
    const all = new Uint8Array(sizeBytes);
    const ends: number[] = [];
    let end = 0;
    for (let i = 0; i < places.length; i += 2) {
      const textEnd = places[i]! + places[i + 1]!;
      for (let at = places[i]!; at < textEnd; at++) all[end++] = bytes[at]!;
      ends.push(end);
    }
    const text = utf8.decode(all);
    const isAscii = text.length === sizeBytes;
    return ends.map((to, i) => {
      const from = i === 0 ? 0 : ends[i - 1]!;
      return unescapeTag(isAscii ? text.slice(from, to) : utf8.decode(all.subarray(from, to)));
    });
  }
}

// Whether the index tells the series without a look at values.
function isTold(where: Expression): boolean {
  if (where.kind === "binary" && (where.operator === "and" || where.operator === "or"))
    return isTold(where.left) && isTold(where.right);
  return equalTo(where) !== null || tagsOf(where).length === 0;
}

// `tag = 'value'` or `tag != 'value'`, either way round, with a value that is not empty.
function equalTo(where: Expression): { value: string; negated: boolean } | null {
  if (where.kind !== "binary" || (where.operator !== "=" && where.operator !== "!=")) return null;
  const literal = where.left.kind === "string" ? where.left : where.right;
  const other = literal === where.left ? where.right : where.left;
  if (literal.kind !== "string" || other.kind !== "tag" || literal.value === "") return null;
  return { value: literal.value, negated: where.operator === "!=" };
}

// Of other names the text in the index were another's: a table's, or that of a tag key with `=` in it.
function canBeTag(name: string): boolean {
  return name !== "" && !name.endsWith("\\");
}

function unescapeTag(text: string): string {
  return text.includes("\\") ? text.replace(/\\([,= ])/g, "$1") : text;
}

function intersect(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(Math.min(a.length, b.length));
  let n = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i]! < b[j]!) i++;
    else if (a[i]! > b[j]!) j++;
    else {
      out[n++] = a[i++]!;
      j++;
    }
  }
  return out.slice(0, n);
}

function unite(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a;
  const out = new Uint32Array(a.length + b.length);
  let n = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (j >= b.length || (i < a.length && a[i]! < b[j]!)) out[n++] = a[i++]!;
    else if (i >= a.length || a[i]! > b[j]!) out[n++] = b[j++]!;
    else {
      out[n++] = a[i++]!;
      j++;
    }
  }
  return out.slice(0, n);
}

function subtract(a: Uint32Array, b: Uint32Array): Uint32Array {
  const out = new Uint32Array(a.length);
  let n = 0;
  for (let i = 0, j = 0; i < a.length; i++) {
    while (j < b.length && b[j]! < a[i]!) j++;
    if (b[j] !== a[i]) out[n++] = a[i]!;
  }
  return out.slice(0, n);
}

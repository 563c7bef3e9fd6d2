// Unify: brings the types of a batch's fields to those of the schema, before the batch is logged.
//
// The first write of a field fixes its type. A column of another type is converted in place when each of its
// values is represented exactly; if some are not, or the batch has one field with two types, the batch is built
// anew without the points that cannot be stored. Tags and texts that are no UTF-8 keep their bytes in that; names of measurements and
// fields are known as text, where two such names would become one: their points are refused.

import { isUtf8 } from "node:buffer";
import { InputError } from "../base/errors.ts";
import { BatchBuilder, type FieldValue } from "../ingest/builder.ts";
import type { Refusal } from "../ingest/reasons.ts";
import type { Kernels, Pointer } from "../kernels/kernels.ts";
import {
  BATCH_HEADER_BYTES,
  FIELD_ENTRY_BYTES,
  SERIES_ENTRY_BYTES,
  TABLE_HEADER_BYTES,
} from "../model/batch.ts";
import { type BatchTable, openBatch } from "../model/batchview.ts";
import { bytesOfText, byteText } from "../model/bytetext.ts";
import { decodeKeyText } from "../model/serieskey.ts";
import { FieldType, fieldTypeNames } from "../model/types.ts";
import type { Measurement, Schema, Table } from "../store/schema.ts";
import type { DeclaredField } from "./companions.ts";
import { KnownNames } from "./known-names.ts";

/** A table of a batch and what stands for it. */
export interface BoundTable {
  /** Pointer to the table in linear memory. */
  readonly pointer: Pointer;
  readonly seriesCount: number;
  readonly table: Table;
  /** Per entry of the field directory. */
  readonly fieldIds: readonly number[];
}

// a leading U+FEFF is part of a name or value, as every other character
const text = new TextDecoder("utf-8", { ignoreBOM: true });
const knownNames = new KnownNames(text);
const align8 = (n: number) => (n + 7) & ~7;

/**
 * Binds each table of the batch at `batch` to the schema, defining what is new; null when some values have no exact
 * form in their field's type (or `strict` and any differ): then nothing is defined and `rebuild` must make a batch first.
 * `declares`: nothing is defined here, the fields that are new are given instead. `replayed`: see `rebuild`.
 */
export function bind(
  kernels: Kernels,
  schema: Schema,
  batch: Pointer,
  database: string,
  retentionPolicy: string,
  strict: boolean,
  declares = false,
  replayed = false,
): BoundTable[] | { readonly undeclared: readonly DeclaredField[] } | null {
  // (nothing here makes linear memory grow)
  const { bytes, words } = kernels;
  const word = (offset: number) => words[(batch + offset) >>> 2]!;
  const isName = (text: string, start: number, sizeBytes: number) =>
    replayed || !text.includes("\ufffd") || isUtf8(bytes.subarray(start, start + sizeBytes));
  const tableCount = word(8);
  let at = align8(BATCH_HEADER_BYTES + (word(32) & 0xffff) + (word(32) >>> 16));
  const bound: (BoundTable & { fresh: [string, FieldType][] })[] = [];
  for (let t = 0; t < tableCount; t++) {
    const seriesCount = word(at + 8);
    const fieldCount = word(at + 12);
    const nameBytes = word(at + 16);
    const name = knownNames.at(bytes, batch + at + TABLE_HEADER_BYTES, nameBytes);
    if (!isName(name, batch + at + TABLE_HEADER_BYTES, nameBytes)) return null;
    const measurement = schema.measurement(database, name);
    const directory = at + TABLE_HEADER_BYTES + align8(nameBytes) + seriesCount * SERIES_ENTRY_BYTES;
    const fresh: [string, FieldType][] = [];
    const names: string[] = [];
    for (let f = 0; f < fieldCount; f++) {
      const entry = directory + f * FIELD_ENTRY_BYTES;
      const field = knownNames.at(bytes, batch + at + word(entry), word(entry + 4));
      if (!isName(field, batch + at + word(entry), word(entry + 4))) return null;
      names.push(field);
    }
    // before any column is converted: converted, the two would be one field twice, which is no batch
    if (names.length > 1 && new Set(names).size < names.length) return null;
    for (let f = 0; f < fieldCount; f++) {
      const entry = directory + f * FIELD_ENTRY_BYTES;
      const field = names[f]!;
      const type = word(entry + 8) as FieldType;
      const known = measurement.field(field);
      const wanted = known === undefined ? type : known.type;
      if (known === undefined) fresh.push([field, type]);
      if (wanted === type) continue;
      const values = batch + at + word(entry + 20);
      if (strict || !convert(kernels, values, word(entry + 12), type, wanted)) return null;
      words[(batch + entry + 8) >>> 2] = wanted;
    }
    const table = schema.table(measurement, retentionPolicy);
    const fieldIds: number[] = [];
    bound.push({ pointer: batch + at, seriesCount, table, fieldIds, fresh });
    for (const field of names) fieldIds.push(measurement.fieldId(field));
    at += word(at);
  }
  if (declares) {
    const undeclared = bound.flatMap(({ table, fresh }) =>
      fresh.map(([field, type]): DeclaredField => [table.measurement.name, field, type]),
    );
    if (undeclared.length > 0) return { undeclared };
  }
  for (const { table, fieldIds, fresh } of bound) {
    let next = 0;
    for (let f = 0; f < fieldIds.length; f++) {
      if (fieldIds[f]! < 0) (fieldIds as number[])[f] = table.measurement.define(...fresh[next++]!);
      table.note(fieldIds[f]!);
    }
  }
  return bound;
}

/** A field by its measurement. */
export type FieldName = readonly [measurement: string, field: string];

/** The fields of the batch at `batch` that have values of several types, and all of them. */
export function fieldsOfSeveralTypes(
  kernels: Kernels,
  batch: Pointer,
): { readonly several: readonly FieldName[]; all(): FieldName[] } {
  const view = new DataView(kernels.buffer, batch);
  const tableCount = view.getUint32(8, true);
  let at = align8(BATCH_HEADER_BYTES + view.getUint16(32, true) + view.getUint16(34, true));
  const tables: { readonly nameAt: number; readonly nameBytes: number; readonly names: Set<string> }[] = [];
  const several: FieldName[] = [];
  const measurementOf = ({ nameAt, nameBytes }: { nameAt: number; nameBytes: number }) =>
    text.decode(kernels.view(batch + nameAt, nameBytes));
  for (let t = 0; t < tableCount; t++) {
    const fieldCount = view.getUint32(at + 12, true);
    const nameBytes = view.getUint32(at + 16, true);
    const directory =
      at + TABLE_HEADER_BYTES + align8(nameBytes) + view.getUint32(at + 8, true) * SERIES_ENTRY_BYTES;
    const table = { nameAt: at + TABLE_HEADER_BYTES, nameBytes, names: new Set<string>() };
    for (let f = 0; f < fieldCount; f++) {
      const entry = directory + f * FIELD_ENTRY_BYTES;
      const name = text.decode(
        kernels.view(batch + at + view.getUint32(entry, true), view.getUint32(entry + 4, true)),
      );
      if (table.names.has(name)) several.push([measurementOf(table), name]);
      table.names.add(name);
    }
    tables.push(table);
    at += view.getUint32(at, true);
  }
  const all = () =>
    tables.flatMap((table) => [...table.names].map((name): FieldName => [measurementOf(table), name]));
  return { several, all };
}

/** Converts `count` packed values in place; false, and nothing changed, when one has no exact form. */
function convert(kernels: Kernels, pointer: Pointer, count: number, from: FieldType, to: FieldType): boolean {
  const convertible = (type: FieldType) => type <= FieldType.Unsigned;
  if (!convertible(from) || !convertible(to)) return false;
  const words = new Int32Array(kernels.buffer, pointer, count * 2);
  const floats = kernels.f64(pointer, count);
  // an int64 is high * 2^32 + low; unsigned ones have their high word unsigned, too
  const high = (i: number) => (from === FieldType.Unsigned ? words[i * 2 + 1]! >>> 0 : words[i * 2 + 1]!);
  if (from === FieldType.Float) {
    const [lowest, end] = to === FieldType.Integer ? [-(2 ** 63), 2 ** 63] : [0, 2 ** 64];
    for (let i = 0; i < count; i++) {
      const value = floats[i]!;
      if (!Number.isInteger(value) || value < lowest || value >= end) return false;
    }
    for (let i = 0; i < count; i++) {
      const value = floats[i]!;
      words[i * 2 + 1] = Math.floor(value / 2 ** 32);
      words[i * 2] = value - Math.floor(value / 2 ** 32) * 2 ** 32;
    }
    return true;
  }
  if (to !== FieldType.Float) {
    // between int64 and uint64: the same bits while they are not above the int64 range
    for (let i = 0; i < count; i++) if (words[i * 2 + 1]! < 0) return false;
    return true;
  }
  for (let i = 0; i < count; i++) {
    const low = words[i * 2]! >>> 0;
    const value = high(i) * 2 ** 32 + low;
    // the sum was rounded when taking the high part away does not give back the low part
    if (value - high(i) * 2 ** 32 !== low) return false;
  }
  for (let i = 0; i < count; i++) floats[i] = high(i) * 2 ** 32 + (words[i * 2]! >>> 0);
  return true;
}

export interface Rebuilt {
  readonly batch: Uint8Array;
  readonly rows: number;
  readonly dropped: number;
  /** Different reasons, at most 100. */
  readonly errors: readonly Refusal[];
  /** Where a row of the new batch stood in the old one. */
  originOf(at: { readonly table: number; readonly row: number }): { table: number; row: number };
}

/**
 * The batch without the points before `oldestTime` (ns) or whose values do not fit the schema, and with the others converted.
 * `replayed`: the log accepted all of them; a value that does not fit is of a field that the log deletes later and writes
 * anew, as a store has it already that was flushed then. Only such values are left out.
 *
 * Texts are byte texts on their way through the builder.
 */
export function rebuild(
  schema: Schema,
  bytes: Uint8Array,
  database: string,
  retentionPolicy: string,
  strict: boolean,
  oldestTime: bigint | null = null,
  replayed = false,
): Rebuilt {
  const builder = new BatchBuilder({ database, retentionPolicy }, bytesOfText);
  const errors = new Map<string, Refusal>();
  const kept: { readonly table: number; readonly rows: number[] }[] = [];
  let dropped = 0;
  let at = { table: -1, row: -1 };
  const refuse = (reason: string) => {
    if (!errors.has(reason) && errors.size < MOST_ERRORS) errors.set(reason, { reason, ...at });
    dropped++;
  };
  for (const [number, table] of openBatch(bytes.slice()).tables.entries()) {
    at = { table: number, row: -1 };
    const measurement = schema.measurement(database, text.decode(table.measurement));
    const types = new Map(measurement.fields.map((field) => [field.name, field.type]));
    const names = table.fields.map((field) => text.decode(field.name));
    const misnamed = replayed ? null : misnamedText(table, measurement.name, names);
    const keys = seriesOf(table);
    const rows: number[] = [];
    for (const row of table.rows()) {
      at.row++;
      if (oldestTime !== null && row.time < oldestTime) {
        refuse("points beyond retention policy");
        continue;
      }
      const fresh = new Map<string, FieldType>();
      const fields: [string, FieldValue, FieldType][] = [];
      let conflict: string | undefined;
      for (const [f, raw] of row.values.entries()) {
        if (raw === undefined) continue;
        const { type } = table.fields[f]!;
        const name = names[f]!;
        const wanted = types.get(name) ?? type;
        if (!types.has(name)) fresh.set(name, type);
        const value = fit(raw, type, wanted, strict);
        if (value === undefined && replayed) continue;
        conflict ??= misnamed?.[f];
        if (value === undefined) conflict ??= conflictText(measurement, name, type, wanted);
        else fields.push([byteText(Buffer.from(name)), value, wanted]);
      }
      if (fields.length === 0 && replayed) continue;
      if (conflict !== undefined) {
        refuse(conflict);
        continue;
      }
      const { measurement: name, tags } = keys[row.series]!;
      try {
        builder.add(name, tags, fields, row.time);
      } catch (error) {
        // (a point of a batch is one of the next, too; were it not, it alone is refused)
        if (!(error instanceof InputError)) throw error;
        refuse(error.message);
        continue;
      }
      for (const [name, type] of fresh) types.set(name, type);
      rows.push(at.row);
    }
    if (rows.length > 0) kept.push({ table: number, rows });
  }
  const originOf = ({ table, row }: { readonly table: number; readonly row: number }) => ({
    table: kept[table]?.table ?? 0,
    row: kept[table]?.rows[row] ?? 0,
  });
  const batch = builder.finish();
  return { batch, rows: builder.rowCount, dropped, errors: [...errors.values()], originOf };
}

/** Different reasons that one answer names. */
const MOST_ERRORS = 100;

function seriesOf(table: BatchTable) {
  return Array.from({ length: table.seriesCount }, (_, i) => decodeKeyText(byteText(table.seriesKey(i))));
}

/** By field why no point with it is stored; undefined: its name is text, as the measurement's is. */
function misnamedText(
  table: BatchTable,
  measurement: string,
  names: readonly string[],
): (string | undefined)[] {
  const isMeasured = isUtf8(table.measurement);
  return table.fields.map(({ name }, f) => {
    if (!isMeasured) return `invalid measurement name: "${measurement}" is not UTF-8`;
    if (isUtf8(name)) return undefined;
    return `invalid field name: input field "${names[f]}" on measurement "${measurement}" is not UTF-8`;
  });
}

function conflictText(measurement: Measurement, field: string, is: FieldType, wanted: FieldType): string {
  return (
    `field type conflict: input field "${field}" on measurement "${measurement.name}" is type ${fieldTypeNames[is]}, ` +
    `already exists as type ${fieldTypeNames[wanted]}`
  );
}

// The value in the wanted type, undefined when it has no exact form there.
function fit(
  raw: number | bigint | boolean | Uint8Array,
  type: FieldType,
  wanted: FieldType,
  strict: boolean,
): FieldValue | undefined {
  const value: FieldValue = raw instanceof Uint8Array ? byteText(raw) : raw;
  if (type === wanted) return value;
  if (strict || typeof value === "boolean" || typeof value === "string") return undefined;
  switch (wanted) {
    case FieldType.Float:
      return BigInt(Number(value)) === value ? Number(value) : undefined;
    case FieldType.Integer:
    case FieldType.Unsigned: {
      if (typeof value === "number" && !Number.isInteger(value)) return undefined;
      const whole = BigInt(value);
      const [lowest, highest] =
        wanted === FieldType.Integer ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
      return whole >= lowest && whole <= highest ? whole : undefined;
    }
    default:
      return undefined;
  }
}

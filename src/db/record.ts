// Records of the log: a WriteBatch (model/batch.ts) as it is, a drop, or a deletion.
//
//   drop       u32 magic "SDR1"   JSON { database, measurement, retentionPolicy? }, measurement null = all of the database, or
//                                 of its retention policy
//   deletion   u32 magic "SDL1"   JSON { database, retentionPolicy, measurement, where, ranges } or { ..., points }
//              u32 magic "SDF1"   the same with fields: their values are deleted, the others of a row stay
//
// A deletion by values is logged as the points that had them: what is in memory and segments when the log is replayed may be
// newer, and other points would satisfy the condition. One by tags is logged as the condition: all rows that it takes too much
// then are newer than it, and the log gives them again. Integers beyond JSON are { "int64": "..." }.
import { BATCH_MAGIC } from "../model/batch.ts";
import type { Expression } from "../model/expression.ts";
import type { TimeRange } from "../store/tombstones.ts";

const DROP_MAGIC = 0x31524453; // "SDR1"
const DELETE_MAGIC = 0x314c4453; // "SDL1"
const DELETE_FIELDS_MAGIC = 0x31464453; // "SDF1"

export interface Drop {
  readonly database: string;
  readonly measurement: string | null;
  /** Absent: every one. */
  readonly retentionPolicy?: string;
}

/** Null names mean all there are. */
export interface RangeDeletion {
  readonly database: string;
  readonly retentionPolicy: string | null;
  readonly measurement: string | null;
  /** Over tags alone. */
  readonly where: Expression | null;
  readonly ranges: readonly TimeRange[];
  /** Absent: all of a row. */
  readonly fields?: readonly string[];
}

export interface PointDeletion {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly measurement: string;
  /** Canonical series key, a character a byte, and the times of the series' rows that go. */
  readonly points: readonly (readonly [key: string, ranges: readonly TimeRange[]])[];
  /** Absent: all of a row. */
  readonly fields?: readonly string[];
}

export type DeletionRecord = RangeDeletion | PointDeletion;

export function encodeDrop(drop: Drop): Uint8Array {
  return encode(DROP_MAGIC, drop);
}

export function decodeDrop(record: Uint8Array): Drop {
  return decode(record) as Drop;
}

export function encodeDeletion(deletion: DeletionRecord): Uint8Array {
  return encode(deletion.fields === undefined ? DELETE_MAGIC : DELETE_FIELDS_MAGIC, deletion);
}

export function decodeDeletion(record: Uint8Array): DeletionRecord {
  return decode(record) as DeletionRecord;
}

/** What a record is; null when it is none of them. */
export function recordKind(record: Uint8Array): "batch" | "drop" | "deletion" | null {
  if (record.length < 4) return null;
  const magic = new DataView(record.buffer, record.byteOffset).getUint32(0, true);
  if (magic === BATCH_MAGIC) return "batch";
  if (magic === DROP_MAGIC) return "drop";
  return magic === DELETE_MAGIC || magic === DELETE_FIELDS_MAGIC ? "deletion" : null;
}

function encode(magic: number, value: unknown): Uint8Array {
  const text = JSON.stringify(value, (_, each) =>
    typeof each === "bigint" ? { int64: String(each) } : each,
  );
  const body = new TextEncoder().encode(text);
  const record = new Uint8Array(4 + body.length);
  new DataView(record.buffer).setUint32(0, magic, true);
  record.set(body, 4);
  return record;
}

function decode(record: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(record.subarray(4)), (_, each) =>
    typeof each === "object" && each !== null && typeof each.int64 === "string" ? BigInt(each.int64) : each,
  );
}

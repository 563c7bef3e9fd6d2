// Records of the log: a WriteBatch (model/batch.ts) as it is, a drop, a deletion, or what is done of a change.
//
//   drop       u32 magic "SDR1"   JSON { database, measurement, retentionPolicy? }, measurement null = all of the database, or
//                                 of its retention policy
//   deletion   u32 magic "SDL1"   JSON { database, retentionPolicy, measurement, where, ranges, step? }
//              u32 magic "SDF1"   the same with fields: their values are deleted, the others of a row stay
//              u32 magic "SDP1"   u32 length of the JSON   JSON { database, retentionPolicy, measurement, keys, counts, fields? }
//                                 i64 first, i64 last a range, as many of each key as `counts` says, little endian
//   progress   u32 magic "SDC1"   JSON { change, done }: the steps of a change over several threads that this one has done
//
// (Logs of before have points as JSON in the first two: { ..., points: [[key, [[first, last]]]] }.)
//
// A deletion by values is logged as the points that had them: what is in memory and segments when the log is replayed may be
// newer, and other points would satisfy the condition. One by tags is logged as the condition: all rows that it takes too much
// then are newer than it, and the log gives them again. Integers beyond JSON are { "int64": "..." }.
import { BATCH_MAGIC } from "../model/batch.ts";
import type { Expression } from "../model/expression.ts";
import { type Bounds, type TimeRange, united } from "../store/series-ranges.ts";

const DROP_MAGIC = 0x31524453; // "SDR1"
const DELETE_MAGIC = 0x314c4453; // "SDL1"
const DELETE_FIELDS_MAGIC = 0x31464453; // "SDF1"
const DELETE_POINTS_MAGIC = 0x31504453; // "SDP1"
const PROGRESS_MAGIC = 0x31434453; // "SDC1"

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
  /** What it is of a change over several threads. (No record of its own: of two, a crash may leave the later alone.) */
  readonly step?: Step;
}

export interface PointDeletion {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly measurement: string;
  /** Canonical series key, a character a byte, and the times of the series' rows that go. */
  readonly points: readonly (readonly [key: string, ranges: Bounds])[];
  /** Absent: all of a row. */
  readonly fields?: readonly string[];
}

export type DeletionRecord = RangeDeletion | PointDeletion;

/** A step of a change over several threads: see changes.ts. */
export interface Step {
  /** The change's id. */
  readonly change: string;
  readonly step: number;
}

export interface Progress {
  readonly change: string;
  /** Numbers of steps. */
  readonly done: readonly number[];
}

export function encodeProgress(progress: Progress): Uint8Array {
  return encode(PROGRESS_MAGIC, progress);
}

export function decodeProgress(record: Uint8Array): Progress {
  return decode(record) as Progress;
}

export function encodeDrop(drop: Drop): Uint8Array {
  return encode(DROP_MAGIC, drop);
}

export function decodeDrop(record: Uint8Array): Drop {
  return decode(record) as Drop;
}

export function encodeDeletion(deletion: DeletionRecord): Uint8Array {
  if ("points" in deletion) return encodePoints(deletion);
  return encode(deletion.fields === undefined ? DELETE_MAGIC : DELETE_FIELDS_MAGIC, deletion);
}

export function decodeDeletion(record: Uint8Array): DeletionRecord {
  if (magicOf(record) === DELETE_POINTS_MAGIC) return decodePoints(record);
  const deletion = decode(record) as RangeDeletion & {
    readonly points?: [key: string, ranges: TimeRange[]][];
  };
  if (deletion.points === undefined) return deletion;
  const points = deletion.points.map(([key, ranges]) => [key, united(ranges)] as const);
  return {
    ...deletion,
    retentionPolicy: deletion.retentionPolicy!,
    measurement: deletion.measurement!,
    points,
  };
}

function encodePoints({ points, ...named }: PointDeletion): Uint8Array {
  const keys = points.map(([key]) => key);
  const counts = points.map(([, bounds]) => bounds.length / 2);
  const head = new TextEncoder().encode(JSON.stringify({ ...named, keys, counts }));
  const record = new Uint8Array(
    8 + head.length + 8 * points.reduce((sum, [, bounds]) => sum + bounds.length, 0),
  );
  const view = new DataView(record.buffer);
  view.setUint32(0, DELETE_POINTS_MAGIC, true);
  view.setUint32(4, head.length, true);
  record.set(head, 8);
  let at = 8 + head.length;
  for (const [, { buffer, byteOffset, byteLength }] of points) {
    record.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return record;
}

function decodePoints(record: Uint8Array): PointDeletion {
  const headBytes = new DataView(record.buffer, record.byteOffset).getUint32(4, true);
  const { keys, counts, ...named } = JSON.parse(
    new TextDecoder().decode(record.subarray(8, 8 + headBytes)),
  ) as Omit<PointDeletion, "points"> & { readonly keys: string[]; readonly counts: number[] };
  let at = 8 + headBytes;
  const points = keys.map((key, i) => {
    // a copy: the array needs its alignment
    const bytes = new Uint8Array(counts[i]! * 16);
    bytes.set(record.subarray(at, at + bytes.length));
    at += bytes.length;
    return [key, new BigInt64Array(bytes.buffer)] as const;
  });
  return { ...named, points };
}

/** What a record is; null when it is none of them. */
export function recordKind(record: Uint8Array): "batch" | "drop" | "deletion" | "progress" | null {
  if (record.length < 4) return null;
  const magic = magicOf(record);
  if (magic === BATCH_MAGIC) return "batch";
  if (magic === DROP_MAGIC) return "drop";
  if (magic === PROGRESS_MAGIC) return "progress";
  return DELETIONS.includes(magic) ? "deletion" : null;
}

const DELETIONS = [DELETE_MAGIC, DELETE_FIELDS_MAGIC, DELETE_POINTS_MAGIC];

function magicOf(record: Uint8Array): number {
  return new DataView(record.buffer, record.byteOffset).getUint32(0, true);
}

function encode(magic: number, value: unknown): Uint8Array {
  const body = encodeJson(value);
  const record = new Uint8Array(4 + body.length);
  new DataView(record.buffer).setUint32(0, magic, true);
  record.set(body, 4);
  return record;
}

function decode(record: Uint8Array): unknown {
  return decodeJson(record.subarray(4));
}

/** JSON with integers beyond those that it has. */
export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value, toPlain));
}

export function decodeJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes), fromPlain);
}

const toPlain = (_: string, each: unknown) => (typeof each === "bigint" ? { int64: String(each) } : each);
const fromPlain = (_: string, each: { int64?: unknown } | null) =>
  typeof each === "object" && each !== null && typeof each.int64 === "string" ? BigInt(each.int64) : each;

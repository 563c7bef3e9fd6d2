// Manifest: what a store consists of, in one small file that is replaced as a whole (disk/replaceFile), so that
// after a crash it names either the old set of segments or the new one.
//
//   serie manifest 1 <xxHash64 of the body, 16 hex digits> <length of the body in bytes>\n
//   <body: JSON, times as decimal strings>\n
//
// A segment that the manifest does not name is a left-over of a crash and is removed; a segment that it names
// was durable before the manifest was. `logPosition`: every record up to it is in the segments.
import { CorruptionError } from "../base/errors.ts";
import { type Disk, replaceFile } from "../disk/disk.ts";
import type { LogPosition } from "../model/log.ts";

export interface SegmentEntry {
  /** File name without `.seg`; ids are never used twice. */
  readonly id: number;
  readonly database: string;
  readonly retentionPolicy: string;
  /** Time window, ns: [windowStart, windowEnd). */
  readonly windowStart: bigint;
  readonly windowEnd: bigint;
  readonly minTime: bigint;
  readonly maxTime: bigint;
  readonly rows: number;
  readonly sizeBytes: number;
  /** Measurements dropped after the segment was written; their rows are gone with the next compaction. */
  readonly hidden: readonly string[];
}

export interface Manifest {
  readonly partition: number;
  readonly partitionCount: number;
  readonly logPosition: LogPosition;
  readonly nextSegment: number;
  /** Bytes of the catalog file that count; what stands behind them is a left-over of a crash. */
  readonly catalogBytes: number;
  /** Oldest data first: of two segments with the same point the later one wins. */
  readonly segments: readonly SegmentEntry[];
}

export const MANIFEST_VERSION = 1;

export function encodeManifest(manifest: Manifest): Uint8Array {
  const body = JSON.stringify(manifest, (_key, value) => (typeof value === "bigint" ? String(value) : value));
  const bytes = new TextEncoder().encode(body);
  return new TextEncoder().encode(
    `serie manifest ${MANIFEST_VERSION} ${checksum(bytes)} ${bytes.length}\n${body}\n`,
  );
}

/** Throws `CorruptionError` on anything but the bytes of `encodeManifest`. */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const end = bytes.indexOf(10);
  const head = new TextDecoder().decode(bytes.subarray(0, Math.max(0, end)));
  const match = /^serie manifest ([0-9]+) ([0-9a-f]{16}) ([0-9]+)$/.exec(head);
  if (!match) throw new CorruptionError(path, 0, "no manifest header");
  if (match[1] !== String(MANIFEST_VERSION))
    throw new CorruptionError(path, 0, `manifest version ${match[1]} is unknown; this serie reads 1`);
  const body = bytes.subarray(end + 1, end + 1 + Number(match[3]));
  if (bytes.length !== end + 2 + Number(match[3]) || bytes[bytes.length - 1] !== 10)
    throw new CorruptionError(path, end + 1, `the body is not ${match[3]} bytes long`);
  if (checksum(body) !== match[2]) throw new CorruptionError(path, end + 1, "the checksum does not match");
  const raw = JSON.parse(new TextDecoder().decode(body)) as Manifest;
  return {
    ...raw,
    segments: raw.segments.map((segment) => ({
      ...segment,
      windowStart: BigInt(segment.windowStart),
      windowEnd: BigInt(segment.windowEnd),
      minTime: BigInt(segment.minTime),
      maxTime: BigInt(segment.maxTime),
    })),
  };
}

export async function writeManifest(disk: Disk, path: string, manifest: Manifest): Promise<void> {
  await replaceFile(disk, path, encodeManifest(manifest));
}

function checksum(bytes: Uint8Array): string {
  return Bun.hash.xxHash64(bytes).toString(16).padStart(16, "0");
}

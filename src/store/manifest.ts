// Manifest: what a store consists of, in one small file of sealed JSON (disk/sealed.ts) that is replaced as a whole, so
// that after a crash it names either the old set of segments or the new one. Times are decimal strings there.
//
// A segment that the manifest does not name is a left-over of a crash and is removed; a segment that it names
// was durable before the manifest was. `logPosition`: every record up to it is in the segments.
import { CorruptionError } from "../base/errors.ts";
import { type Disk, replaceFile } from "../disk/disk.ts";
import { decodeSealed, encodeSealed } from "../disk/sealed.ts";
import type { LogPosition } from "../model/log.ts";
import type { Tombstone } from "./tombstones.ts";

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
  /** Name of the catalog file, and the bytes of it that count. */
  readonly catalogFile: string;
  readonly catalogBytes: number;
  /** Oldest data first: of two segments with the same point the later one wins. */
  readonly segments: readonly SegmentEntry[];
  /** What is deleted from the segments and still in them. */
  readonly tombstones: readonly Tombstone[];
}

export function emptyManifest(partition: number, partitionCount: number): Manifest {
  const nothing = {
    logPosition: 0,
    nextSegment: 1,
    catalogFile: "",
    catalogBytes: 0,
    segments: [],
    tombstones: [],
  };
  return { partition, partitionCount, ...nothing };
}

/** Version 1 had no tombstones, version 2 none of fields. */
export const MANIFEST_VERSION = 3;
const KIND = "serie manifest";

export function encodeManifest(manifest: Manifest): Uint8Array {
  const segments = manifest.segments.map((segment) => ({
    ...segment,
    windowStart: String(segment.windowStart),
    windowEnd: String(segment.windowEnd),
    minTime: String(segment.minTime),
    maxTime: String(segment.maxTime),
  }));
  const tombstones = manifest.tombstones.map((tombstone) => ({
    ...tombstone,
    ranges: tombstone.ranges.map((range) => range.map(String)),
  }));
  return encodeSealed(KIND, MANIFEST_VERSION, { ...manifest, segments, tombstones });
}

/** Throws `CorruptionError` on anything but the bytes of `encodeManifest`, `InputError` for an unknown version. */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const raw = decodeSealed(KIND, [1, 2, MANIFEST_VERSION], bytes, path) as Manifest;
  return {
    ...raw,
    segments: raw.segments.map((segment) => ({
      ...segment,
      windowStart: BigInt(segment.windowStart),
      windowEnd: BigInt(segment.windowEnd),
      minTime: BigInt(segment.minTime),
      maxTime: BigInt(segment.maxTime),
    })),
    tombstones: (raw.tombstones ?? []).map((tombstone) => ({
      ...tombstone,
      ranges: tombstone.ranges.map(([first, last]) => [BigInt(first), BigInt(last)] as const),
    })),
  };
}

export async function writeManifest(disk: Disk, path: string, manifest: Manifest): Promise<void> {
  await replaceFile(disk, path, encodeManifest(manifest));
}

/** Throws what `decodeManifest` throws, with advice. */
export function readManifest(disk: Disk, path: string): Manifest {
  try {
    return decodeManifest(disk.readFile(path), path);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    const advice = "restore this partition's folder from a backup, or move it away to start without its data";
    throw new CorruptionError(path, error.offset, `${error.reason}; ${advice}`);
  }
}

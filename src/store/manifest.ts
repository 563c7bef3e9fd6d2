// Manifest: what a store consists of, in one small file of sealed JSON (disk/sealed.ts) that is replaced as a whole, so
// that after a crash it names either the old set of segments or the new one. Times are decimal strings there.
//
// A segment that the manifest does not name is a left-over of a crash and is removed; a segment that it names
// was durable before the manifest was. `logPosition`: every record up to it is in the segments.
import { CorruptionError } from "../base/errors.ts";
import { type Disk, replaceFile } from "../disk/disk.ts";
import { decodeSealed, encodeSealed } from "../disk/sealed.ts";
import type { LogPosition } from "../model/log.ts";
import { SeriesRanges, type TimeRange, united } from "./series-ranges.ts";
import { readTombstones } from "./tombstone-file.ts";
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
  /** Name of the file of tombstones; "" = there are none. */
  readonly tombstoneFile: string;
  /** What is deleted from the segments and still in them. In the manifest's own bytes up to version 3. */
  readonly tombstones: readonly Tombstone[];
}

export function emptyManifest(partition: number, partitionCount: number): Manifest {
  const nothing = {
    logPosition: 0,
    nextSegment: 1,
    catalogFile: "",
    catalogBytes: 0,
    segments: [],
    tombstoneFile: "",
    tombstones: [],
  };
  return { partition, partitionCount, ...nothing };
}

/** Version 1 had no tombstones, version 2 none of fields, version 3 no file for them. */
export const MANIFEST_VERSION = 4;
const KIND = "serie manifest";

export function encodeManifest(manifest: Manifest): Uint8Array {
  const segments = manifest.segments.map((segment) => ({
    ...segment,
    windowStart: String(segment.windowStart),
    windowEnd: String(segment.windowEnd),
    minTime: String(segment.minTime),
    maxTime: String(segment.maxTime),
  }));
  const { tombstones: _, ...rest } = manifest;
  return encodeSealed(KIND, MANIFEST_VERSION, { ...rest, segments });
}

/** As a manifest up to version 3 has it. */
interface InlineTombstone extends Omit<Tombstone, "taken"> {
  readonly series: readonly number[] | null;
  readonly ranges: readonly (readonly [first: string, last: string])[];
}

/**
 * Without the tombstones of a file of their own. Throws `CorruptionError` on anything but the bytes of `encodeManifest`, `InputError` for
 * an unknown version.
 */
export function decodeManifest(bytes: Uint8Array, path: string): Manifest {
  const raw = decodeSealed(KIND, [1, 2, 3, MANIFEST_VERSION], bytes, path) as Omit<Manifest, "tombstones"> & {
    readonly tombstones?: readonly InlineTombstone[];
  };
  return {
    ...raw,
    tombstoneFile: raw.tombstoneFile ?? "",
    segments: raw.segments.map((segment) => ({
      ...segment,
      windowStart: BigInt(segment.windowStart),
      windowEnd: BigInt(segment.windowEnd),
      minTime: BigInt(segment.minTime),
      maxTime: BigInt(segment.maxTime),
    })),
    tombstones: (raw.tombstones ?? []).map(({ series, ranges, ...named }) => ({
      ...named,
      taken: new SeriesRanges(
        series === null ? null : Uint32Array.from(series).sort(),
        null,
        united(ranges.map(([first, last]): TimeRange => [BigInt(first), BigInt(last)])),
      ),
    })),
  };
}

export async function writeManifest(disk: Disk, path: string, manifest: Manifest): Promise<void> {
  await replaceFile(disk, path, encodeManifest(manifest));
}

/** With the tombstones of the file beside it. Throws what `decodeManifest` throws, with advice. */
export function readManifest(disk: Disk, path: string): Manifest {
  try {
    const manifest = decodeManifest(disk.readFile(path), path);
    const { tombstoneFile } = manifest;
    if (tombstoneFile === "") return manifest;
    const beside = `${path.slice(0, path.lastIndexOf("/"))}/${tombstoneFile}`;
    return { ...manifest, tombstones: readTombstones(disk, beside) };
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    const advice = "restore this partition's folder from a backup, or move it away to start without its data";
    throw new CorruptionError(error.file, error.offset, `${error.reason}; ${advice}`);
  }
}

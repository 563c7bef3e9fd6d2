// Tombstone file: what is deleted from a store's segments and still in them, beside the manifest that names it: it is written anew
// when the tombstones have changed, not with each manifest.
//
//   <kind> <version> <xxHash64 of the body, 16 hex digits> <length of the body in bytes>\n
//   u32 length of the head, the head: JSON [{ database, retentionPolicy, measurement, before, fields?, series, own, ranges }]
//   per tombstone, little endian:   u32 ids[series]   u32 ends[series], when `own`   i64 bounds[2 * ranges]
//
// `series` null: every one. What the arrays are, series-ranges.ts draws.
import { CorruptionError } from "../base/errors.ts";
import { type Disk, replaceFile } from "../disk/disk.ts";
import { decodeSealedBytes, encodeSealedBytes } from "../disk/sealed.ts";
import { SeriesRanges } from "./series-ranges.ts";
import type { Tombstone } from "./tombstones.ts";

export const TOMBSTONES_KIND = "serie tombstones";
const VERSION = 1;

interface Head extends Omit<Tombstone, "taken"> {
  readonly series: number | null;
  readonly own: boolean;
  readonly ranges: number;
}

export async function writeTombstones(
  disk: Disk,
  path: string,
  tombstones: readonly Tombstone[],
): Promise<void> {
  await replaceFile(disk, path, encodeTombstones(tombstones));
}

/** Throws `CorruptionError` on anything but the bytes of `encodeTombstones`, `InputError` for an unknown version. */
export function readTombstones(disk: Disk, path: string): Tombstone[] {
  if (!disk.exists(path))
    throw new CorruptionError(path, 0, "the file is missing, but the manifest names it");
  return decodeTombstones(disk.readFile(path), path);
}

export function encodeTombstones(tombstones: readonly Tombstone[]): Uint8Array {
  const heads = tombstones.map(({ taken: { ids, ends, rangeCount }, ...named }): Head => {
    return { ...named, series: ids?.length ?? null, own: ends !== null, ranges: rangeCount };
  });
  const head = new TextEncoder().encode(JSON.stringify(heads));
  const length = new Uint8Array(Uint32Array.of(head.length).buffer);
  const arrays = tombstones.flatMap(({ taken: { ids, ends, bounds } }) =>
    [ids, ends, bounds].map((array) =>
      array === null ? new Uint8Array() : new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    ),
  );
  return encodeSealedBytes(TOMBSTONES_KIND, VERSION, [length, head, ...arrays]);
}

export function decodeTombstones(bytes: Uint8Array, path: string): Tombstone[] {
  const body = decodeSealedBytes(TOMBSTONES_KIND, VERSION, bytes, path);
  const headBytes = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  const heads = JSON.parse(new TextDecoder().decode(body.subarray(4, 4 + headBytes))) as Head[];
  let at = 4 + headBytes;
  const take = (sizeBytes: number) => {
    // a copy: the arrays need their alignment
    const part = new Uint8Array(sizeBytes);
    part.set(body.subarray(at, at + sizeBytes));
    at += sizeBytes;
    return part.buffer;
  };
  return heads.map(({ series, own, ranges, ...named }) => {
    const ids = series === null ? null : new Uint32Array(take(series * 4));
    const ends = own ? new Uint32Array(take((series ?? 0) * 4)) : null;
    return { ...named, taken: new SeriesRanges(ids, ends, new BigInt64Array(take(ranges * 16))) };
  });
}

/** The lines of the dump of a tombstone file: each tombstone, then its series with their ranges. */
export function* tombstoneLines(tombstones: readonly Tombstone[]): Generator<string> {
  for (const { taken, ...named } of tombstones) {
    const { ids, ends, rangeCount } = taken;
    const whose = ids === null ? "every series" : `${ids.length} series`;
    yield `${JSON.stringify(named)}: ${rangeCount} ranges of ${whose}`;
    if (ids !== null && ends === null) yield `  series ${ids.join(" ")}`;
    for (let place = 0; place < (ends?.length ?? 1); place++) {
      if (ends !== null) yield `  series ${ids![place]}`;
      const bounds = taken.at(place);
      for (let i = 0; i < bounds.length; i += 2) yield `    ${bounds[i]} .. ${bounds[i + 1]}`;
    }
  }
}

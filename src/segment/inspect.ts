// Annotated dumps for `serie inspect FILE`: what each byte of a file means.
//
// `inspectFile` finds the format by the file's first eight bytes among those that the caller knows; this folder brings
// the segment's. The dump of a segment comes from the parser that opens segments (its cursors take notes, see
// annotations.ts), so it cannot disagree with it. A damaged file is dumped as far as it goes, then the error.
import { crc32c } from "../base/checksum.ts";
import { DiskError, InputError, SerieError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { fieldTypeNames } from "../model/types.ts";
import { Annotations } from "./annotations.ts";
import type { Cursor } from "./bytes.ts";
import { HEADER_MAGIC } from "./format.ts";
import { readKeyBlock } from "./keys.ts";
import { readParts } from "./reader.ts";
import { readSeriesList } from "./series-list.ts";
import { readStats } from "./stats.ts";
import { readKeyBlocks, readTableIndex, type TableIndex } from "./table-index.ts";

/** A kind of file that `inspectFile` can tell and dump. */
export interface InspectableFormat {
  /** The file's first bytes, ASCII. */
  readonly magic: string;
  /** The lines of the dump. */
  dump(path: string, bytes: Uint8Array): Iterable<string>;
}

/** The lines of the annotated dump of any known file. Throws `InputError` for an unknown one, `DiskError`. */
export function inspectFile(
  disk: Disk,
  path: string,
  formats: readonly InspectableFormat[],
): Iterable<string> {
  const bytes = mapped(disk, path);
  const start = String.fromCharCode(...bytes.subarray(0, 32));
  const format = formats.find(({ magic }) => start.startsWith(magic));
  if (!format) {
    const known = formats.map(({ magic }) => magic).join(", ");
    throw new InputError(`${path} is none of serie's files: they start with one of ${known}`);
  }
  return format.dump(path, bytes);
}

function mapped(disk: Disk, path: string): Uint8Array {
  try {
    return disk.map(path);
  } catch (error) {
    if (error instanceof DiskError && error.errno === "EISDIR")
      throw new InputError(`${path} is a folder: name one of the files in it`);
    throw error;
  }
}

export const segmentFormat: InspectableFormat = { magic: HEADER_MAGIC, dump: inspectSegment };

/** The lines of a segment's dump. */
export function* inspectSegment(path: string, bytes: Uint8Array): Generator<string> {
  const annotations = new Annotations(path, bytes);
  let damage = "";
  try {
    annotate(path, bytes, annotations);
  } catch (error) {
    if (!(error instanceof SerieError)) throw error;
    damage = error.message;
  }
  const version = bytes.length < 12 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
  yield `segment, format version ${version}, ${bytes.length} bytes`;
  yield* annotations.lines();
  if (damage) yield `\nDAMAGED: ${damage}`;
}

function annotate(path: string, bytes: Uint8Array, annotations: Annotations): void {
  const { version, head, footer } = readParts(path, bytes, (at, end) => annotations.cursor(at, end));
  for (const { measurement, at, sizeBytes } of head.tables) {
    const title = `index of table ${JSON.stringify(measurement)}`;
    annotations.section(title);
    const index = readTableIndex(annotations.cursor(at, at + sizeBytes), version, footer.indexOffset);
    annotateGroups(annotations, index);
    annotatePages(annotations, bytes, index, measurement);
    annotations.section(title);
    const keys = annotations.cursor(index.keysAt, at + sizeBytes);
    annotateKeys(annotations, keys, measurement);
  }
}

function annotateGroups(annotations: Annotations, index: TableIndex): void {
  const { listsAt, listEnds, firstIds, lastIds, rows, statsAt, statsEnds, pagesPerGroup } = index;
  for (let group = 0; group < index.groupCount; group++) {
    const list = annotations.cursor(listsAt + (listEnds[group - 1] ?? 0), listsAt + listEnds[group]!);
    readSeriesList(list, firstIds[group]!, lastIds[group]!, rows[group]!);
    for (let f = 0; f < index.fields.length; f++) {
      const page = group * pagesPerGroup + 1 + f;
      const stats = annotations.cursor(statsAt + statsEnds[page - 1]!, statsAt + statsEnds[page]!);
      if (stats.remaining > 0) readStats(stats, index.fields[f]!.type, rows[group]!);
    }
  }
}

function annotatePages(
  annotations: Annotations,
  bytes: Uint8Array,
  index: TableIndex,
  measurement: string,
): void {
  const { groupCount, pagesPerGroup, places, checksums, rows, firstIds, lastIds } = index;
  for (let group = 0, first = 0; group < groupCount; group++) {
    const end = places.stripeEnd(group);
    annotations.section(`pages of ${JSON.stringify(measurement)}, groups ${first} to ${end - 1}`);
    const ids =
      firstIds[group] === lastIds[group] ? firstIds[group] : `${firstIds[group]} to ${lastIds[group]}`;
    for (let p = 0; p < pagesPerGroup; p++) {
      const [at, sizeBytes] = [places.start(group, p), places.size(group, p)];
      if (sizeBytes === 0) continue;
      const field = index.fields[p - 1];
      const label = field
        ? `${fieldTypeNames[field.type]} page of ${JSON.stringify(field.name)}`
        : "page of times";
      const whose = `group ${group}${field ? "" : `, ${rows[group]} rows of series ${ids}`}`;
      const sound = crc32c(bytes.subarray(at, at + sizeBytes)) === checksums[group * pagesPerGroup + p];
      annotations.note(at, sizeBytes, label, sound ? whose : `DAMAGED, checksum differs: ${whose}`);
    }
    if (group + 1 === end) first = end;
  }
}

function annotateKeys(annotations: Annotations, cursor: Cursor, measurement: string): void {
  const blocks = readKeyBlocks(cursor);
  annotations.section(`series keys of ${JSON.stringify(measurement)}`);
  let previousId = 0;
  for (const block of blocks) {
    const { at, compressedBytes, seriesCount } = block;
    annotations.note(at, compressedBytes, "Snappy block of series keys", `${seriesCount} series`);
    for (const [id, key] of readKeyBlock(cursor, block, previousId)) {
      annotations.note(at + compressedBytes - 1, 0, `series ${id}`, new TextDecoder().decode(key));
      previousId = id;
    }
  }
}

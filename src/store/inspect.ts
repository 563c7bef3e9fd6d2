// Dumps of a store's small files for `serie inspect FILE`, out of the parsers that open them.
import { SerieError } from "../base/errors.ts";
import { decodeSealed } from "../disk/sealed.ts";
import { CATALOG_MAGIC, FRAME_BYTES, HEADER_BYTES, readFrames } from "./catalog-file.ts";
import { decodeTombstones, TOMBSTONES_KIND, tombstoneLines } from "./tombstone-file.ts";

/** The lines of the dump of a file of sealed JSON: its header judged, its body with one line a value or segment. */
export function* inspectSealed(kind: string, path: string, bytes: Uint8Array): Generator<string> {
  const end = bytes.indexOf(10);
  const head = new TextDecoder().decode(bytes.subarray(0, Math.max(0, end)));
  const [, version = "?", checksum = ""] = / ([0-9]+) ([0-9a-f]{16}) [0-9]+$/.exec(head) ?? [];
  yield `${kind}, format version ${version}, ${bytes.length} bytes`;
  try {
    const body = decodeSealed(kind, Number(version), bytes, path);
    yield `  checksum ${checksum} holds`;
    yield "";
    yield* bodyLines(body as Record<string, unknown>);
  } catch (error) {
    if (!(error instanceof SerieError)) throw error;
    yield `\nDAMAGED: ${error.message}`;
  }
}

function* bodyLines(body: Record<string, unknown>): Generator<string> {
  for (const [name, value] of Object.entries(body)) {
    if (!Array.isArray(value)) {
      yield `${name}: ${JSON.stringify(value)}`;
      continue;
    }
    yield `${name}: ${value.length}`;
    for (const item of value) yield `  ${JSON.stringify(item)}`;
  }
}

/** The lines of the dump of a tombstone file: each tombstone, its series and their ranges. */
export function* inspectTombstones(path: string, bytes: Uint8Array): Generator<string> {
  yield `${TOMBSTONES_KIND}, ${bytes.length} bytes`;
  try {
    const tombstones = decodeTombstones(bytes, path);
    yield "  the checksum holds";
    yield "";
    yield* tombstoneLines(tombstones);
  } catch (error) {
    if (!(error instanceof SerieError)) throw error;
    yield `\nDAMAGED: ${error.message}`;
  }
}

/** The lines of the dump of a catalog: frames with their tables, and every series with its id and key. */
export function* inspectCatalog(path: string, bytes: Uint8Array): Generator<string> {
  yield `catalog, ${bytes.length} bytes, of which the manifest may count fewer`;
  yield `${offset(0)}  header: "${CATALOG_MAGIC}", version (${HEADER_BYTES} bytes)`;
  let id = 0;
  try {
    for (const frame of readFrames(path, bytes)) {
      const { payloadBytes, rawBytes, checksum, tables } = frame;
      yield "";
      yield `${offset(frame.offset)}  frame: sizes, xxHash64 ${checksum.toString(16).padStart(16, "0")} holds (${FRAME_BYTES} bytes)`;
      yield `${offset(frame.offset + FRAME_BYTES)}  payload: Snappy of ${rawBytes} bytes (${payloadBytes} bytes)`;
      for (const [t, name] of tables.entries()) yield `          table ${t}: ${JSON.stringify(name)}`;
      for (const { table, key } of frame.series())
        yield `          series ${id++}${table === null ? ", dropped" : `, table ${table}: ${new TextDecoder().decode(key)}`}`;
    }
  } catch (error) {
    if (!(error instanceof SerieError)) throw error;
    yield `\nDAMAGED: ${error.message}`;
  }
}

function offset(at: number): string {
  return String(at).padStart(8);
}

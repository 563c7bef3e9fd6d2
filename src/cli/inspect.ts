// `serie inspect FILE`: prints what a file of the data folder holds, whichever of them it is.
import { withoutPasswords } from "../base/redact.ts";
import { CHANGE_KIND } from "../db/changes.ts";
import { nodeDisk } from "../disk/node.ts";
import { inspectLog } from "../log/inspect.ts";
import { type InspectableFormat, inspectFile, segmentFormat } from "../segment/inspect.ts";
import { CATALOG_MAGIC } from "../store/catalog-file.ts";
import { inspectCatalog, inspectSealed, inspectTombstones } from "../store/inspect.ts";
import { TOMBSTONES_KIND } from "../store/tombstone-file.ts";

const formats: readonly InspectableFormat[] = [
  segmentFormat,
  { magic: "serieWAL", dump: inspectLog },
  { magic: "serie manifest", dump: (path, bytes) => inspectSealed("serie manifest", path, bytes) },
  { magic: "serie databases", dump: (path, bytes) => inspectSealed("serie databases", path, bytes) },
  {
    magic: "serie subscriptions",
    dump: (path, bytes) => inspectSealed("serie subscriptions", path, bytes).map(withoutPasswords),
  },
  {
    magic: "serie continuous queries",
    dump: (path, bytes) => inspectSealed("serie continuous queries", path, bytes),
  },
  { magic: CHANGE_KIND, dump: (path, bytes) => inspectSealed(CHANGE_KIND, path, bytes) },
  { magic: TOMBSTONES_KIND, dump: inspectTombstones },
  { magic: CATALOG_MAGIC, dump: inspectCatalog },
];

/** Throws `InputError` for a file that is not serie's, `DiskError` when it cannot be read. */
export async function runInspect(path: string): Promise<void> {
  const output = Bun.stdout.writer();
  try {
    for (const line of inspectFile(nodeDisk, path, formats)) output.write(`${line}\n`);
    await output.end();
  } catch (error) {
    if ((error as { code?: string }).code !== "EPIPE") throw error; // `| head` has seen enough
  }
}

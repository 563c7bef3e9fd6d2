// Folded groups as a whole: what they hold.
import type { FoldedGroups } from "./scan.ts";

/** What a group takes beside its arrays, bytes, and a value of a tag. */
const GROUP_BYTES = 150;
const TAG_BYTES = 60;

/** About how many bytes groups hold. */
export function foldedBytes({ count, tags, columns }: FoldedGroups): number {
  let bytes = count * (GROUP_BYTES + TAG_BYTES * tags.length);
  for (const column of columns)
    for (const array of Object.values(column ?? {})) if (typeof array === "object") bytes += array.byteLength;
  return bytes;
}

// Folded groups as a whole: what they hold.
import type { FoldedGroups } from "./scan.ts";

/** Bytes of the arrays of groups. */
export function foldedBytes({ columns }: FoldedGroups): number {
  let bytes = 0;
  for (const column of columns)
    for (const array of Object.values(column ?? {})) if (typeof array === "object") bytes += array.byteLength;
  return bytes;
}

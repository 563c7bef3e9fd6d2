// The bodies of a data set as gzip, as agents send them.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Bodies, Body } from "./dataset.ts";

/** The fastest level: that of the agents which care for their host. */
const LEVEL = 1;

/** Writes them into a file beside that of `bodies`; rows and order stay. */
export function compress(bodies: Bodies): Bodies {
  const path = `${bodies.path}.gz`;
  const plain = readFileSync(bodies.path);
  const file = openSync(path, "w");
  const list: Body[] = [];
  let offset = 0;
  for (const body of bodies.list) {
    const bytes = gzipSync(plain.subarray(body.offset, body.offset + body.sizeBytes), { level: LEVEL });
    for (let done = 0; done < bytes.length; )
      done += writeSync(file, bytes, done, bytes.length - done, offset + done);
    list.push({ offset, sizeBytes: bytes.length, rowCount: body.rowCount });
    offset += bytes.length;
  }
  closeSync(file);
  return { ...bodies, path, list, sizeBytes: offset, encoding: "gzip" };
}

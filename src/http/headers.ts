// How long the line and the headers of a request may be.
import http from "node:http";

/** As in InfluxDB: dashboards ask by GET for hundreds of hosts by name. Bun's own bound is 16 KiB. */
const MOST_HEADER_BYTES = 1024 * 1024;

/** For all servers of the process, as Bun has it; never less than the program around may have set itself. Longer ones are answered 431. */
export function allowLongHeaders(): void {
  const bounds = http as { maxHeaderSize: number };
  bounds.maxHeaderSize = Math.max(bounds.maxHeaderSize, MOST_HEADER_BYTES);
}

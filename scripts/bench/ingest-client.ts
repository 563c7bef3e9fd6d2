// A load without end, a process of its own: the same bodies again and again, each time later by what they span.
//
//     bun scripts/bench/ingest-client.ts '{"url":...,"path":...,"list":[...],"connections":4,"forMs":10000,...}'
//
// Lines end with a timestamp of 19 digits, ns on full seconds; the ten of the seconds are written over before a body is
// sent. Any answer but 204 ends the run with an error.
import type { Body } from "./dataset.ts";

export interface IngestRequest {
  /** Where to POST. */
  readonly url: string;
  /** File with the bodies of `list`. */
  readonly path: string;
  readonly list: readonly Body[];
  /** From the first time in the bodies to the first of their repetition. */
  readonly spanS: number;
  /** The first repetition to send; two runs must not meet, or rows are written over. */
  readonly firstRound: number;
  readonly connections: number;
  readonly forMs: number;
}

export interface IngestReport {
  readonly elapsedMs: number;
  readonly rowCount: number;
  /** Repetitions begun. */
  readonly rounds: number;
}

const NANOSECOND_DIGITS = 9;
const SECOND_DIGITS = 10;

/** Where the seconds of each line begin, and what they are. */
interface Stamps {
  readonly at: Uint32Array;
  readonly seconds: Float64Array;
}

/** Finds the timestamps of the lines in `bytes`. */
export function stampsOf(bytes: Uint8Array): Stamps {
  const at: number[] = [];
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, end + 1))
    at.push(end - NANOSECOND_DIGITS - SECOND_DIGITS);
  const seconds = at.map((from) =>
    Number(Buffer.from(bytes.subarray(from, from + SECOND_DIGITS)).toString("latin1")),
  );
  return { at: Uint32Array.from(at), seconds: Float64Array.from(seconds) };
}

/** A copy of the body with its times later by `shiftS`. */
export function later(bytes: Uint8Array, { at, seconds }: Stamps, shiftS: number): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  for (let line = 0; line < at.length; line++) {
    let rest = seconds[line]! + shiftS;
    for (let digit = SECOND_DIGITS - 1; digit >= 0; digit--) {
      const tens = Math.floor(rest / 10);
      copy[at[line]! + digit] = 48 + rest - tens * 10;
      rest = tens;
    }
  }
  return copy;
}

async function ingest(request: IngestRequest): Promise<IngestReport> {
  const { url, path, list, spanS, firstRound, connections, forMs } = request;
  const file = Bun.mmap(path);
  const bodies = list.map(({ offset, sizeBytes, rowCount }) => {
    const bytes = file.subarray(offset, offset + sizeBytes);
    return { bytes, rowCount, stamps: stampsOf(bytes) };
  });
  let next = 0;
  let rowCount = 0;
  const start = performance.now();
  const connection = async () => {
    while (performance.now() - start < forMs) {
      const round = Math.floor(next / bodies.length);
      const { bytes, rowCount: rows, stamps } = bodies[next++ % bodies.length]!;
      const body = later(bytes, stamps, (firstRound + round) * spanS);
      const response = await fetch(url, {
        method: "POST",
        body,
        signal: AbortSignal.timeout(forMs + 60_000),
      });
      if (response.status !== 204)
        throw new Error(`write answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
      rowCount += rows;
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  return {
    elapsedMs: performance.now() - start,
    rowCount,
    rounds: Math.ceil(next / bodies.length),
  };
}

if (import.meta.main)
  console.log(JSON.stringify(await ingest(JSON.parse(process.argv[2]!) as IngestRequest)));

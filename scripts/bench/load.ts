// The load generator, a process of its own so that its CPU is not the server's: sends bodies, reports as JSON.
//
//     bun scripts/bench/load.ts '{"url":...,"path":...,"list":[...],"connections":4,"timeoutMs":60000}'
//
// Each connection sends the next unsent body as soon as its last one is answered. Any answer but 204 ends the run
// with an error: a load that was refused in part is not a load that was measured.
import type { Body } from "./dataset.ts";

export interface LoadRequest {
  /** Where to POST. */
  readonly url: string;
  /** File with the bodies of `list`. */
  readonly path: string;
  readonly list: readonly Body[];
  readonly connections: number;
  readonly timeoutMs: number;
  readonly encoding?: "gzip";
}

export interface LoadReport {
  /** First byte sent to last answer read. */
  readonly elapsedMs: number;
  readonly rowCount: number;
  /** False when the time was up first; `rowCount` then counts what was answered. */
  readonly complete: boolean;
  /** Of one request. */
  readonly medianMs: number;
  readonly p99Ms: number;
}

async function load(request: LoadRequest): Promise<LoadReport> {
  const bytes = Bun.mmap(request.path);
  // faults every page in before the clock starts
  let touched = 0;
  for (let i = 0; i < bytes.length; i += 4096) touched ^= bytes[i]!;
  if (touched < 0) throw new Error("unreachable");

  const latencies: number[] = [];
  let next = 0;
  let rowCount = 0;
  const start = performance.now();
  const deadline = start + request.timeoutMs;
  const headers: Record<string, string> = request.encoding ? { "Content-Encoding": request.encoding } : {};
  const connection = async () => {
    while (next < request.list.length && performance.now() < deadline) {
      const body = request.list[next++]!;
      const sent = performance.now();
      const response = await fetch(request.url, {
        method: "POST",
        headers,
        body: bytes.subarray(body.offset, body.offset + body.sizeBytes),
        signal: AbortSignal.timeout(Math.max(1, deadline - sent)),
      });
      if (response.status !== 204) {
        throw new Error(`write answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
      }
      latencies.push(performance.now() - sent);
      rowCount += body.rowCount;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: request.connections }, connection));
  const elapsedMs = performance.now() - start;
  for (const end of ends) {
    if (end.status === "rejected" && end.reason?.name !== "TimeoutError") throw end.reason;
  }
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => latencies[Math.floor(q * (latencies.length - 1))] ?? Number.NaN;
  const complete = rowCount === request.list.reduce((sum, body) => sum + body.rowCount, 0);
  return { elapsedMs, rowCount, complete, medianMs: quantile(0.5), p99Ms: quantile(0.99) };
}

if (import.meta.main) console.log(JSON.stringify(await load(JSON.parse(process.argv[2]!) as LoadRequest)));

// kill -9, over and over, on one data directory: what was acknowledged is there, once; what was never sent is not.
//
//   load      writers on several connections; kill -9 in the middle
//   start-up  the same, and then the recovering server is killed too, several times, at random moments
//   torn      a burst killed before its answers, its log damaged (torn.ts); start, write, kill again
//   stop      SIGTERM in the middle: exit code 0, and nothing acknowledged is lost either
//
// After each round the server is started and everything in it compared with `Expected`, by rows and by aggregates
// (which read other paths of the store). Starts have one thread or several. Memory is small, so flushes and compactions are under way at most kills.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../scripts/bench/random.ts";
import { Expected, type SeenRow } from "./expected.ts";
import { ServerProcess } from "./server.ts";
import { tailsOf, tear } from "./torn.ts";

const DATABASE = "crash";
const CONNECTIONS = 4;
const serverFlags = [
  ...["--max-mem-size", "1MiB"],
  ...["--flush-interval", "150ms"],
  ...["--partitions", "3"],
  ...["--log-level", "warn"],
];

export type RoundKind = "load" | "start-up" | "torn" | "stop";
const cycle: readonly RoundKind[] = ["load", "torn", "start-up", "load", "torn", "stop", "start-up", "torn"];

export interface CrashReport {
  readonly rounds: number;
  readonly kills: number;
  readonly acknowledgedBatches: number;
  readonly points: number;
}

export class CrashHarness {
  readonly #random: Random;
  readonly #dataDir: string;
  readonly #expected: readonly Expected[];
  #server: ServerProcess;
  #base = "";
  #kills = 0;
  #acknowledgedBatches = 0;
  #threads = 1;

  constructor(
    readonly seed: number,
    readonly note: (text: string) => void = () => {},
  ) {
    this.#random = new Random(seed);
    this.#dataDir = mkdtempSync(join(tmpdir(), "serie-crash-"));
    this.#expected = Array.from(
      { length: CONNECTIONS },
      (_, i) => new Expected(`crash_${i}`, new Random(seed + i + 1)),
    );
    this.#server = this.#spawn();
  }

  /** Runs rounds until either bound is reached. Throws at the first violation and keeps the data directory. */
  async run(maxRounds: number, maxMs: number): Promise<CrashReport> {
    const deadline = performance.now() + maxMs;
    let rounds = 0;
    try {
      this.#base = await this.#server.ready();
      while (rounds < maxRounds && performance.now() < deadline) {
        const kind = cycle[rounds % cycle.length]!;
        const detail = await this.#round(kind);
        this.#base = await this.#server.ready();
        await this.#verify();
        rounds++;
        this.note(`round ${rounds} (${kind}): ${detail}, ${this.#pointCount} points`);
      }
      await this.#server.kill("SIGTERM");
    } catch (error) {
      await this.#server.kill("SIGKILL");
      throw new Error(
        `round ${rounds + 1}, seed ${this.seed}, data in ${this.#dataDir}: ${(error as Error).message}\n${this.#server.output.slice(-2000)}`,
      );
    }
    rmSync(this.#dataDir, { recursive: true, force: true });
    return {
      rounds,
      kills: this.#kills,
      acknowledgedBatches: this.#acknowledgedBatches,
      points: this.#pointCount,
    };
  }

  get #pointCount(): number {
    return this.#expected.reduce((sum, one) => sum + one.pointCount, 0);
  }

  /** Leaves a server behind that is starting. */
  async #round(kind: RoundKind): Promise<string> {
    const random = this.#random;
    switch (kind) {
      case "load":
        await this.#writeUntilEnd(() => this.#kill(20 + random.below(400)));
        this.#server = this.#spawn();
        return "killed";
      case "start-up": {
        await this.#writeUntilEnd(() => this.#kill(20 + random.below(150)));
        const times = 1 + random.below(3);
        for (let i = 0; i < times; i++) {
          this.#server = this.#spawn();
          await this.#kill(random.below(350));
        }
        this.#server = this.#spawn();
        return `killed, and ${times} times while starting`;
      }
      case "torn": {
        const first = await this.#tornTail();
        this.#base = await this.#server.ready();
        await this.#verify();
        await this.#writeUntilEnd(() => this.#kill(5 + random.below(60)));
        this.#server = this.#spawn();
        return `killed, log ${first}, killed again`;
      }
      case "stop": {
        const code = await this.#writeUntilEnd(async () => {
          await Bun.sleep(20 + random.below(150));
          return this.#server.kill("SIGTERM");
        });
        if (code !== 0) throw new Error(`SIGTERM under load: exit code ${code}`);
        this.#server = this.#spawn();
        return "stopped";
      }
    }
  }

  /** Kills between a write to the log and its answer where it can, then tears the log. */
  async #tornTail(): Promise<string> {
    const quiet = tailsOf(this.#dataDir);
    const before = this.#acknowledgedBatches;
    await this.#writeUntilEnd(async () => {
      const deadline = performance.now() + 500;
      for (;;) {
        if (JSON.stringify(tailsOf(this.#dataDir)) !== JSON.stringify(quiet)) break;
        if (performance.now() > deadline) break;
        // lets the writers run
        await new Promise((resolve) => setImmediate(resolve));
      }
      return this.#kill(0);
    });
    const detail = tear(this.#dataDir, quiet, this.#acknowledgedBatches > before, this.#random);
    this.#server = this.#spawn();
    return detail;
  }

  /** All connections write, each its next batch when the last was answered, until `end` has ended the server. */
  async #writeUntilEnd<T>(end: () => Promise<T>): Promise<T> {
    let ended = false;
    const writers = this.#expected.map(async (expected) => {
      while (!ended) {
        const batch = expected.nextBatch();
        const response = await fetch(`${this.#base}/write?db=${DATABASE}&precision=ms`, {
          method: "POST",
          body: batch.body,
        }).catch(() => null);
        // the server is gone, or going; whether the batch was kept will be seen
        if (response === null || response.status === 503) return;
        if (response.status !== 204) {
          throw new Error(`a write was answered ${response.status}: ${await response.text()}`);
        }
        batch.acknowledge();
        this.#acknowledgedBatches++;
      }
    });
    const all = Promise.all(writers);
    // a writer that fails is heard below, not now
    all.catch(() => {});
    const result = await end();
    ended = true;
    await all;
    return result;
  }

  async #verify(): Promise<void> {
    const violations: string[] = [];
    for (const expected of this.#expected) {
      const rows = await this.#select(`SELECT v, f, s, host FROM ${expected.measurement}`);
      const seen = rows.map(
        ([timeMs, v, f, s, series]) => ({ timeMs, v, f, s, series }) as unknown as SeenRow,
      );
      violations.push(...expected.check(seen));
      const [folded] = await this.#select(`SELECT count(v), sum(v), min(f) FROM ${expected.measurement}`);
      const values = seen.map((row) => row.v!);
      const wanted = [
        seen.length,
        values.reduce((a, b) => a + b, 0),
        seen.reduce((a, row) => Math.min(a, row.f!), Infinity),
      ];
      if (seen.length > 0 && JSON.stringify(folded?.slice(1)) !== JSON.stringify(wanted)) {
        violations.push(
          `${expected.measurement}: aggregates are ${folded?.slice(1)}, its rows give ${wanted}`,
        );
      }
    }
    const health = (await (await fetch(`${this.#base}/health`)).json()) as { status: string };
    if (health.status !== "pass") violations.push(`/health: ${JSON.stringify(health)}`);
    if (violations.length > 0) {
      throw new Error(`${violations.length} violations\n  ${violations.slice(0, 10).join("\n  ")}`);
    }
  }

  async #select(text: string): Promise<unknown[][]> {
    const parameters = new URLSearchParams({ db: DATABASE, epoch: "ms", q: text });
    const response = await fetch(`${this.#base}/query?${parameters}`);
    const body = (await response.json()) as {
      error?: string;
      results?: { error?: string; series?: { values: unknown[][] }[] }[];
    };
    const error = body.error ?? body.results?.[0]?.error;
    // killed before its first write, the server does not know the database
    if (error !== undefined && !/not found/.test(error)) throw new Error(`${text}: ${error}`);
    return (body.results?.[0]?.series ?? []).flatMap((series) => series.values);
  }

  // With another number of threads as often as not: the logs of the last one are emptied at the start.
  #spawn(): ServerProcess {
    if (this.#random.below(2) === 0) this.#threads = 1 + this.#random.below(3);
    return new ServerProcess(this.#dataDir, [...serverFlags, "--threads", `${this.#threads}`]);
  }

  async #kill(afterMs: number): Promise<void> {
    await Bun.sleep(afterMs);
    await this.#server.kill("SIGKILL");
    this.#kills++;
  }
}

// Measures one product: a load of each kind, a burst of new series, start-up with data, and the queries.
//
//     start -> load (4 connections) -> last answer -> settle -> SIGTERM -> size on disk
//           -> start again (timed until ready) -> queries -> SIGTERM
//           -> for each query, without the page cache: start -> query -> SIGTERM
//           -> the same again, asked over small data before it counts -> data deleted
//
// CPU is the server's alone (utime + stime), counted from before the first write until the process has ended, so
// that flushes, merges and encodes belong to the load that caused them.
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { compare } from "./answer.ts";
import { Child, freePort, runScript } from "./child.ts";
import type { Bodies, Dataset } from "./dataset.ts";
import type { LoadReport, LoadRequest } from "./load.ts";
import { dropPageCache } from "./page-cache.ts";
import type { Product } from "./products.ts";
import type { Query, Question } from "./queries.ts";
import { Random } from "./random.ts";

export interface Limits {
  readonly connections: number;
  /** Of one load; what is not in by then counts as not done. */
  readonly loadTimeoutMs: number;
  readonly settleTimeoutMs: number;
  /** A query is asked for so long before its times count. */
  readonly warmUpMs: number;
  /** Of one query with all its repetitions. */
  readonly queryTimeoutMs: number;
  /** At least, of a query. */
  readonly repetitions: number;
  /** A query is asked again for so long, so that what others do on the machine now and then does not decide. */
  readonly measureMs: number;
  /** Of a query with a cold page cache: a server is started for each. */
  readonly coldRepetitions: number;
  /** Such a query is asked over small data for so long before, where its code is to be warm. */
  readonly coldWarmUpMs: number;
}

export interface LoadResult {
  readonly report: LoadReport;
  /** Until the last answer. */
  readonly answeredCpuS: number;
  /** Until everything was flushed and the server had ended. */
  readonly flushedCpuS: number;
  readonly peakRssBytes: number;
  /** Once it has come to rest. */
  readonly steadyRssBytes: number;
  readonly sizeBytes: number;
  /** Seconds in the stages of writes until everything was flushed, summed over threads; empty: the product does not say. */
  readonly stages: ReadonlyMap<string, number>;
}

export interface QueryResult {
  readonly medianMs: number;
  readonly repetitions: number;
  /** The first question's answer: the same question for every product. */
  readonly firstBody: string;
  /** Of that answer; null: its way over HTTP is not in the time. */
  readonly answerBytes: number | null;
}

/** A running server of a product. */
export interface Running {
  readonly child: Child;
  readonly base: string;
  /** From spawn until the ready path answered. */
  readonly startMs: number;
}

export class Trial {
  readonly #folder: string;
  #current: Child | undefined;

  constructor(
    readonly product: Product,
    folder: string,
    readonly limits: Limits,
  ) {
    this.#folder = mkdtempSync(join(folder, "data-"));
  }

  /**
   * Loads bodies into an empty server; its data stays, stopped, for `reopen`. `check` is called once all is answered, and
   * costs no CPU that counts until the last answer.
   */
  async load(
    bodies: Bodies,
    check?: (base: string) => Promise<void>,
    connections = this.limits.connections,
  ): Promise<LoadResult> {
    const { product, limits } = this;
    const { child, base } = await this.startEmpty();
    const idleCpuS = child.cpuS();
    const report = await this.#send(bodies, `${base}${product.writePath}`, connections);
    const answeredCpuS = child.cpuS() - idleCpuS;
    let peakRssBytes = child.peakRssBytes();
    if (report.complete) await check?.(base);
    if (report.complete) await product.settle(base, child, limits.settleTimeoutMs);
    peakRssBytes = Math.max(peakRssBytes, child.peakRssBytes());
    const steadyRssBytes = child.rssBytes();
    const stages = (await product.stages?.(base)) ?? new Map<string, number>();
    const flushedCpuS = (await this.stop()) - idleCpuS;
    return {
      ...{ report, answeredCpuS, flushedCpuS, peakRssBytes, steadyRssBytes, stages },
      sizeBytes: sizeOnDisk(this.#folder),
    };
  }

  /** Starts an empty server, ready for writes. */
  async startEmpty(): Promise<Running> {
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder);
    const running = await this.#start();
    await this.product.prepare(running.base);
    return running;
  }

  /** Starts over the data of the last load: the median of a few starts, and the last one is left running. */
  async reopen(): Promise<Running> {
    const starts: number[] = [];
    for (let i = 0; i < 2; i++) {
      starts.push((await this.#start()).startMs);
      await this.stop();
    }
    const running = await this.#start();
    return { ...running, startMs: median([...starts, running.startMs]) };
  }

  /** Writes more into the running server, and brings it to rest. */
  async add({ child, base }: Running, bodies: Bodies): Promise<void> {
    const { complete } = await this.#send(bodies, `${base}${this.product.writePath}`);
    if (!complete) throw new Error(`${this.product.name} did not take ${bodies.rowCount} rows more in time`);
    await this.product.settle(base, child, this.limits.settleTimeoutMs);
  }

  /** Asks a query for so long, and does not look at the answers. */
  async warmUp(
    { base }: Running,
    query: Query,
    data: Dataset,
    seed: number,
    forMs = this.limits.warmUpMs,
  ): Promise<void> {
    const random = new Random(seed);
    const deadline = performance.now() + forMs;
    while (performance.now() < deadline) {
      const path = this.product.queryPath(query.ask(data, random));
      if (path === null) return;
      const response = await fetch(base + path, { headers: { "Accept-Encoding": "identity" } });
      await response.arrayBuffer();
    }
  }

  /** Median time of a query until its whole answer is read; null when the product has no such query. */
  async query(running: Running, query: Query, data: Dataset, seed: number): Promise<QueryResult | null> {
    const { limits } = this;
    const random = new Random(seed);
    const times: number[] = [];
    const started = performance.now();
    const deadline = started + limits.queryTimeoutMs;
    const enough = started + limits.warmUpMs + limits.measureMs;
    let isWarm = false;
    let firstBody: string | undefined;
    while (times.length < limits.repetitions || performance.now() < enough) {
      const answered = await this.#ask(running, query, query.ask(data, random));
      if (answered === null) return null;
      firstBody ??= answered.body;
      if (isWarm) times.push(answered.elapsedMs);
      // caches and compilers warm up for a while; those answers are checked, and not counted
      isWarm ||= performance.now() >= started + limits.warmUpMs;
      if (times.length >= 3 && performance.now() > deadline) break;
    }
    const answerBytes = this.product.elapsedMs ? null : (firstBody?.length ?? 0);
    return { medianMs: median(times), repetitions: times.length, firstBody: firstBody ?? "", answerBytes };
  }

  /**
   * Median time of a query over data that has to come from the disk; null when the product has no such query. It is the first
   * of a server just started or, with `small`, one that has answered the same over these other data. Not to be called where
   * `dropPageCache` cannot.
   */
  async coldQuery(
    query: Query,
    data: Dataset,
    seed: number,
    small: Dataset | null = null,
  ): Promise<number | null> {
    const random = new Random(seed);
    const times: number[] = [];
    for (let i = 0; i < this.limits.coldRepetitions; i++) {
      await this.stop();
      dropPageCache();
      const running = await this.#start();
      if (small) {
        await this.warmUp(running, query, small, seed, this.limits.coldWarmUpMs);
        dropPageCache();
      }
      const answered = await this.#ask(running, query, query.ask(data, random));
      if (answered === null) return null;
      times.push(answered.elapsedMs);
    }
    return median(times);
  }

  /** Asks, reads the whole answer and checks it; null when the product cannot be asked this. Throws an Error at a wrong answer. */
  async #ask(
    { base }: Running,
    query: Query,
    question: Question,
  ): Promise<{ body: string; elapsedMs: number } | null> {
    const { product } = this;
    const path = product.queryPath(question);
    if (path === null) return null;
    const start = performance.now();
    // what compressing and inflating cost is no part of a query, and not every product does it
    const response = await fetch(base + path, { headers: { "Accept-Encoding": "identity" } });
    const body = await response.text();
    const answeredMs = performance.now() - start;
    try {
      if (!response.ok) throw new Error(`status ${response.status}: ${body.slice(0, 300)}`);
      compare(product.read(body), question.expected, product.tolerance);
    } catch (error) {
      throw new Error(`${product.name}, ${query.name}: ${(error as Error).message}\n  ${question.influxql}`);
    }
    return { body, elapsedMs: product.elapsedMs?.(body) ?? answeredMs };
  }

  /** Ends the running server, if any; its CPU time, seconds. */
  async stop(): Promise<number> {
    const child = this.#current;
    this.#current = undefined;
    return (await child?.stop()) ?? 0;
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #start(): Promise<Running> {
    const port = await freePort();
    const base = `http://127.0.0.1:${port}`;
    const start = performance.now();
    const child = new Child(this.product.command(this.#folder, port));
    this.#current = child;
    for (;;) {
      const ready = await fetch(base + this.product.readyPath).catch(() => null);
      await ready?.arrayBuffer();
      if (ready?.ok) return { child, base, startMs: performance.now() - start };
      if (!child.running) throw new Error(`${this.product.name} ended while starting:\n${child.errors}`);
      if (performance.now() - start > 60_000) throw new Error(`${this.product.name} is not ready after 60 s`);
      await Bun.sleep(2);
    }
  }

  async #send(bodies: Bodies, url: string, connections = this.limits.connections): Promise<LoadReport> {
    const request: LoadRequest = {
      url,
      path: bodies.path,
      list: bodies.list,
      connections,
      timeoutMs: this.limits.loadTimeoutMs,
      ...(bodies.encoding && { encoding: bodies.encoding }),
    };
    try {
      return await runScript<LoadReport>(join(import.meta.dir, "load.ts"), request);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`loading ${this.product.name} failed: ${message}\n${this.#current?.errors ?? ""}`);
    }
  }
}

/** Blocks in use by the files below a folder, bytes (what `du` counts). */
function sizeOnDisk(folder: string): number {
  let sizeBytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sizeBytes += lstatSync(join(entry.parentPath, entry.name)).blocks * 512;
  }
  return sizeBytes;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

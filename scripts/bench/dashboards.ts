// Dashboards and full ingest, each alone and both together.
//
//     8 clients ask questions drawn from the TSBS queries -> 4 connections write as fast as they can -> both -> the writes alone again
//
// The writes go to another measurement, so that the right answers stay the same. An answer is checked when it is the
// first to its question or not the same text as before; at the end every acknowledged value must be there.
import { join } from "node:path";
import { compare } from "./answer.ts";
import { runScript } from "./child.ts";
import type { Bodies, Dataset } from "./dataset.ts";
import type { IngestReport, IngestRequest } from "./ingest-client.ts";
import type { Product } from "./products.ts";
import { type Question, queries } from "./queries.ts";
import { Random } from "./random.ts";
import { checkStored } from "./stored.ts";
import type { Running } from "./trial.ts";
import { FIELD_COUNT } from "./tsbs.ts";

export const DASHBOARDS = 8;
export const INGEST_MEASUREMENT = "ingest";
const INGEST_CONNECTIONS = 4;
/** Of each query; more would only make the checks' own sums longer. */
const QUESTIONS_PER_QUERY = 4;
const SAMPLE_MS = 100;

/** Bodies that are sent again and again. */
export interface Ingest {
  readonly bodies: Bodies;
  readonly spanS: number;
}

interface Asked {
  readonly perS: number;
  readonly p99Ms: number;
}

export interface DashboardsResult {
  readonly alone: Asked;
  readonly besideIngest: Asked;
  /** Values a second. */
  readonly ingestAlone: number;
  readonly ingestBeside: number;
  /** Resident memory while both ran, the median. */
  readonly rssBytes: number;
}

/** Throws an Error at a wrong answer, a refused write, or values that are not there. */
export async function measureDashboards(
  product: Product,
  running: Running,
  data: Dataset,
  ingest: Ingest,
  { forMs, seed }: { readonly forMs: number; readonly seed: number },
): Promise<DashboardsResult> {
  const panel = new Panel(product, running.base, data, seed);
  // each once: the first answers are those that compile and fill caches
  await panel.askEach();
  const alone = await panel.ask(forMs);
  const first = await write(product, running, ingest, 0, forMs);
  const sampler = new Sampler(running);
  const [besideIngest, second] = await Promise.all([
    panel.ask(forMs),
    write(product, running, ingest, first.rounds, forMs),
  ]).finally(() => sampler.stop());
  // by itself again: what merges the first part left for later is in what is compared, too
  const third = await write(product, running, ingest, first.rounds + second.rounds, forMs);
  const written = (first.rowCount + second.rowCount + third.rowCount) * FIELD_COUNT;
  await checkStored(product, running.base, INGEST_MEASUREMENT, written);
  const perS = (report: IngestReport) => ((report.rowCount * FIELD_COUNT) / report.elapsedMs) * 1e3;
  return {
    alone,
    besideIngest,
    ingestAlone: (perS(first) + perS(third)) / 2,
    ingestBeside: perS(second),
    rssBytes: sampler.medianBytes,
  };
}

function write(
  product: Product,
  { base }: Running,
  { bodies, spanS }: Ingest,
  firstRound: number,
  forMs: number,
): Promise<IngestReport> {
  const request: IngestRequest = {
    url: `${base}${product.writePath}`,
    path: bodies.path,
    list: bodies.list,
    spanS,
    firstRound,
    connections: INGEST_CONNECTIONS,
    forMs,
  };
  return runScript<IngestReport>(join(import.meta.dir, "ingest-client.ts"), request);
}

/** Samples the resident memory of a server. */
class Sampler {
  readonly #samples: number[] = [];
  readonly #timer: Timer;

  constructor({ child }: Running) {
    this.#timer = setInterval(() => {
      if (child.running) this.#samples.push(child.rssBytes());
    }, SAMPLE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get medianBytes(): number {
    return this.#samples.sort((a, b) => a - b)[this.#samples.length >> 1] ?? Number.NaN;
  }
}

interface Card {
  readonly name: string;
  readonly question: Question;
  readonly path: string;
  /** Hash of the last answer that was right. */
  right: number | bigint | undefined;
}

/** Questions that every product can answer, and the clients that ask them. */
class Panel {
  readonly #cards: Card[] = [];

  constructor(
    readonly product: Product,
    readonly base: string,
    data: Dataset,
    readonly seed: number,
  ) {
    const random = new Random(seed);
    for (const query of queries) {
      for (let i = 0; i < QUESTIONS_PER_QUERY; i++) {
        const question = query.ask(data, random);
        const path = question.metricsql === null ? null : product.queryPath(question);
        if (path !== null) this.#cards.push({ name: query.name, question, path, right: undefined });
      }
    }
  }

  async askEach(): Promise<void> {
    for (const card of this.#cards) await this.#ask(card);
  }

  /** All clients for so long. */
  async ask(forMs: number): Promise<Asked> {
    const latencies: number[] = [];
    const start = performance.now();
    const client = async (_: unknown, index: number) => {
      const random = new Random(this.seed * 1000 + index);
      while (performance.now() - start < forMs) latencies.push(await this.#ask(random.pick(this.#cards)));
    };
    await Promise.all(Array.from({ length: DASHBOARDS }, client));
    const elapsedMs = performance.now() - start;
    latencies.sort((a, b) => a - b);
    const p99Ms = latencies[Math.floor(0.99 * (latencies.length - 1))]!;
    return { perS: (latencies.length / elapsedMs) * 1e3, p99Ms };
  }

  /** Returns how long the answer took, ms. */
  async #ask(card: Card): Promise<number> {
    const { product } = this;
    const start = performance.now();
    const response = await fetch(this.base + card.path, { headers: { "Accept-Encoding": "identity" } });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const tookMs = performance.now() - start;
    const hash = Bun.hash(bytes);
    if (hash === card.right) return tookMs;
    const body = new TextDecoder().decode(bytes);
    try {
      if (!response.ok) throw new Error(`status ${response.status}: ${body.slice(0, 300)}`);
      compare(product.read(body), card.question.expected, product.tolerance);
    } catch (error) {
      throw new Error(`${product.name}, dashboard, ${card.name}: ${(error as Error).message}`);
    }
    card.right = hash;
    return tookMs;
  }
}

// Single points from many connections: one point a request, answered when it is durable (where the product does that).
//
// Afterwards the server is asked how many values it has: what was acknowledged and is not there ends the benchmark.
import { join } from "node:path";
import { runScript } from "./child.ts";
import type { Product } from "./products.ts";
import type { SinglesReport, SinglesRequest } from "./singles-client.ts";
import { checkStored } from "./stored.ts";
import type { Running } from "./trial.ts";
import { START_S } from "./tsbs.ts";

export const SINGLES_CONNECTIONS = 64;

export const singleForms = ["line", "json"] as const;
export type SingleForm = (typeof singleForms)[number];

export interface SinglesResult {
  readonly perS: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Of the server, for each acknowledged write. */
  readonly cpuUs: number;
}

/** null: the product takes no such form. Throws an Error when what was acknowledged is not there. */
export async function measureSingles(
  product: Product,
  { child, base }: Running,
  form: SingleForm,
  { warmUpMs, forMs }: Pick<SinglesRequest, "warmUpMs" | "forMs">,
): Promise<SinglesResult | null> {
  const write = product.single(form);
  if (write === null) return null;
  const request: SinglesRequest = {
    port: Number(new URL(base).port),
    ...write,
    startMs: START_S * 1000,
    connections: SINGLES_CONNECTIONS,
    warmUpMs,
    forMs,
  };
  const before = child.cpuS();
  const report = await runScript<SinglesReport>(join(import.meta.dir, "singles-client.ts"), request);
  const cpuS = child.cpuS() - before;
  await checkStored(product, base, singleMeasurement(form), report.acknowledged);
  return {
    perS: (report.counted / report.elapsedMs) * 1e3,
    medianMs: report.medianMs,
    p99Ms: report.p99Ms,
    cpuUs: (cpuS * 1e6) / report.acknowledged,
  };
}

/** Each form has a measurement of its own. */
export function singleMeasurement(form: SingleForm): string {
  return `single_${form}`;
}

/** The body of a single point in line protocol, for `SinglesRequest`. */
export const singleLine = `${singleMeasurement("line")},host=h{host} value={value} {time}000000`;

// Other shapes of data than TSBS's, for what they take on disk.
//
//   mixed    a float, an int, a bool and two strings; every 20th row and every 10th value are missing
//   counter  four counts of events and bytes that only grow, and start again at 0 once in a while
//   sparse   twenty fields, of which a row has two
import { join } from "node:path";
import { type Bodies, BodyWriter } from "./dataset.ts";
import { Random } from "./random.ts";
import { START_S, STEP_S } from "./tsbs.ts";

export const shapes = ["mixed", "counter", "sparse"] as const;
export type Shape = (typeof shapes)[number];
export const shapeNames: Readonly<Record<Shape, string>> = {
  mixed: "mixed types with strings and gaps",
  counter: "counters",
  sparse: "20 sparse fields",
};

export interface ShapedData {
  readonly shape: Shape;
  readonly bodies: Bodies;
  /** Values of all types. */
  readonly valueCount: number;
}

/** The measurement that a shape is written to. */
export function shapeMeasurement(shape: Shape): string {
  return `shape_${shape}`;
}

/** The next row of a host, as `name=value`; empty: there is none at this step. */
type Rows = () => string[];

const makers: Readonly<Record<Shape, (random: Random) => Rows>> = {
  mixed(random) {
    let position = random.fraction() * 100;
    let jobs = random.below(1000);
    let version = random.below(20);
    return () => {
      position = Math.min(100, Math.max(0, position + random.normal()));
      jobs = Math.max(0, jobs + random.below(21) - 10);
      if (random.below(500) === 0) version++;
      if (random.below(20) === 0) return [];
      const state = random.below(10) > 0 ? "ok" : random.pick(["warning", "degraded", "failed: no answer"]);
      const fields = [
        `temperature=${Math.round(position * 100) / 100}`,
        `jobs=${jobs}i`,
        `up=${random.below(100) > 0}`,
        `state="${state}"`,
        `version="1.${version}.0"`,
      ];
      return fields.filter(() => random.below(10) > 0);
    };
  },
  counter(random) {
    const counts = Array.from({ length: 4 }, () => random.below(1_000_000));
    const rates = Array.from({ length: 4 }, (_, i) => 10 ** (i + 1));
    return () => {
      // a restart
      if (random.below(5000) === 0) counts.fill(0);
      return counts.map((count, i) => {
        counts[i] = count + Math.max(0, Math.round(rates[i]! * (1 + 0.2 * random.normal())));
        return `${["errors", "requests", "packets", "bytes"][i]}=${count}i`;
      });
    };
  },
  sparse(random) {
    const positions = Array.from({ length: 20 }, () => random.fraction() * 100);
    return () => {
      const first = random.below(20);
      const second = (first + 1 + random.below(19)) % 20;
      return [first, second].map((field) => {
        positions[field] = Math.min(100, Math.max(0, positions[field]! + random.normal()));
        return `field${field}=${Math.round(positions[field]! * 100) / 100}`;
      });
    };
  },
};

/** Generates `stepCount` steps of `hostCount` hosts into a file below `folder`. */
export function generateShape(
  folder: string,
  shape: Shape,
  { hostCount, stepCount, batchRows, seed }: Record<"hostCount" | "stepCount" | "batchRows" | "seed", number>,
): ShapedData {
  const random = new Random(seed);
  const hosts = Array.from({ length: hostCount }, () => makers[shape](random));
  const writer = new BodyWriter(join(folder, `shape-${shape}.lp`), batchRows);
  let valueCount = 0;
  for (let step = 0; step < stepCount; step++) {
    const time = `${START_S + step * STEP_S}000000000`;
    for (const [host, next] of hosts.entries()) {
      const fields = next();
      if (fields.length === 0) continue;
      valueCount += fields.length;
      writer.add(`${shapeMeasurement(shape)},host=h${host} ${fields.join(",")} ${time}`);
    }
  }
  return { shape, bodies: writer.finish(), valueCount };
}

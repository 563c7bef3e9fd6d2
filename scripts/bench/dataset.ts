// A generated data set: bodies for the loader in one file, and the values in memory for checking answers.
//
// The file holds one body after the other; `Body` says where. It lies under the folder given (the system's
// temporary one), and the load generator maps it, so that making text costs nothing while a load is timed.
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Random } from "./random.ts";
import { FIELD_COUNT, fieldNames, formatOf, hostPrefix, type Kind, START_S, STEP_S, Walks } from "./tsbs.ts";

export interface Body {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly rowCount: number;
}

/** Bodies in a file, ready to be sent. */
export interface Bodies {
  readonly path: string;
  readonly list: readonly Body[];
  readonly rowCount: number;
  readonly sizeBytes: number;
  /** Absent: as they are. */
  readonly encoding?: "gzip";
}

export interface Dataset {
  readonly kind: Kind;
  readonly measurement: string;
  /** Time of its first step. */
  readonly startS: number;
  readonly hostCount: number;
  readonly stepCount: number;
  readonly bodies: Bodies;
  /** Value of a field: `values[(step * hostCount + host) * FIELD_COUNT + field]`, as a server must return it. */
  readonly values: Float64Array;
}

/** Collects lines into bodies of `batchRows` rows and appends them to a file. */
export class BodyWriter {
  readonly #file: number;
  readonly #list: Body[] = [];
  #lines: string[] = [];
  #offset = 0;
  #rowCount = 0;

  constructor(
    readonly path: string,
    readonly batchRows: number,
  ) {
    this.#file = openSync(path, "w");
  }

  add(line: string): void {
    if (this.#lines.push(line) === this.batchRows) this.#cut();
  }

  finish(): Bodies {
    if (this.#lines.length > 0) this.#cut();
    closeSync(this.#file);
    return { path: this.path, list: this.#list, rowCount: this.#rowCount, sizeBytes: this.#offset };
  }

  #cut(): void {
    const bytes = Buffer.from(`${this.#lines.join("\n")}\n`, "latin1");
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#file, bytes, done, bytes.length - done, this.#offset + done);
    }
    this.#list.push({ offset: this.#offset, sizeBytes: bytes.length, rowCount: this.#lines.length });
    this.#rowCount += this.#lines.length;
    this.#offset += bytes.length;
    this.#lines = [];
  }
}

type Shape = Record<"hostCount" | "stepCount" | "batchRows" | "seed", number>;

/** Generates `stepCount` steps of `hostCount` hosts; the same seed gives the same walks for every kind. */
export function generate(
  folder: string,
  kind: Kind,
  { hostCount, stepCount, batchRows, seed }: Shape,
  { measurement, startS } = { measurement: "cpu", startS: START_S },
): Dataset {
  const random = new Random(seed);
  const prefixes = Array.from({ length: hostCount }, (_, host) => hostPrefix(host, random, measurement));
  const walks = new Walks(hostCount, random);
  const format = formatOf(kind);
  const values = new Float64Array(stepCount * hostCount * FIELD_COUNT);
  const writer = new BodyWriter(join(folder, `${measurement}-${kind}.lp`), batchRows);
  let at = 0;
  for (let step = 0; step < stepCount; step++) {
    const time = ` ${startS + step * STEP_S}000000000`;
    for (let host = 0; host < hostCount; host++) {
      let line = prefixes[host]!;
      for (let field = 0; field < FIELD_COUNT; field++) {
        const position = walks.positions[host * FIELD_COUNT + field]!;
        values[at++] = format.value(position);
        line += `${field === 0 ? " " : ","}${fieldNames[field]}=${format.text(position)}`;
      }
      writer.add(line + time);
    }
    walks.step();
  }
  return { kind, measurement, startS, hostCount, stepCount, bodies: writer.finish(), values };
}

/** The same walks under another measurement, without their values: what is written beside queries over `cpu`. */
export function generateIngest(
  folder: string,
  measurement: string,
  { hostCount, stepCount, batchRows, seed }: Shape,
): Bodies {
  const random = new Random(seed);
  const prefixes = Array.from({ length: hostCount }, (_, host) => hostPrefix(host, random, measurement));
  const walks = new Walks(hostCount, random);
  const format = formatOf("decimal");
  const writer = new BodyWriter(join(folder, `${measurement}.lp`), batchRows);
  for (let step = 0; step < stepCount; step++) {
    const time = ` ${START_S + step * STEP_S}000000000`;
    for (let host = 0; host < hostCount; host++) {
      const at = host * FIELD_COUNT;
      const fields = fieldNames.map((name, i) => `${name}=${format.text(walks.positions[at + i]!)}`);
      writer.add(`${prefixes[host]} ${fields.join(",")}${time}`);
    }
    walks.step();
  }
  return writer.finish();
}

/** One row each of `seriesCount` hosts that never occurred before: what a burst of new containers looks like. */
export function generateNewSeries(
  folder: string,
  seriesCount: number,
  batchRows: number,
  seed: number,
): Bodies {
  const random = new Random(seed);
  const format = formatOf("decimal");
  const writer = new BodyWriter(join(folder, "new-series.lp"), batchRows);
  for (let host = 0; host < seriesCount; host++) {
    const fields = fieldNames.map((name) => `${name}=${format.text(random.fraction() * 100)}`);
    writer.add(`${hostPrefix(host, random)} ${fields.join(",")} ${START_S}000000000`);
  }
  return writer.finish();
}

// JSON bodies -> WriteBatch bytes: one point, an array of points, or NDJSON (a point a line). The shapes of a
// point: jsonpoint.ts.
//
// One object with a key and a string per value are made here. Most bodies do not come here: what is plain is spelled as line
// protocol by the kernels and read as that (line.ts, `parsePlainJson`), seven times as fast.
import { InputError } from "../base/errors.ts";
import { type FieldType, type TimeUnit, unitNs } from "../model/types.ts";
import { BatchBuilder } from "./builder.ts";
import { addJsonPoint, type PointContext, PointError } from "./jsonpoint.ts";
import { JsonReader, JsonSyntaxError, type JsonValue } from "./jsontext.ts";
import type { Located, Refusal } from "./reasons.ts";

export interface JsonOptions {
  readonly database: string;
  /** Empty or absent = the database's default policy. */
  readonly retentionPolicy?: string;
  /** Unit of integer times. Default ns. */
  readonly precision?: TimeUnit;
  /** Time of points without one, ns since the epoch; cut to the precision. */
  readonly nowNs: bigint;
  /** The type of a field; undefined: it is new. Asked of fields that get an integer which no float holds. */
  typeOf(measurement: string, field: string): FieldType | undefined;
}

export interface ParsedJson {
  /** The WriteBatch (model/batch.ts) of the good points. */
  readonly batch: Uint8Array;
  readonly rows: number;
  /**
   * The first 100 refused points: `[3].fields.temp: expected ...`, in NDJSON `line 3: fields.temp: ...`, for
   * one `fields.temp: ...`.
   */
  readonly errors: readonly Located[];
  /** All refused points. */
  readonly errorCount: number;
  /** Fields for which points were refused because they are new. */
  readonly unknown: readonly (readonly [measurement: string, field: string])[];
  /** The reasons for which rows of the batch were refused, with the points that they were: `[3]: REASON`. */
  locate(refusals: readonly Refusal[]): Located[];
}

const KEPT_ERRORS = 100;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses a body. A point that is wrong, or a wrong line of NDJSON, is refused alone; the others are kept.
 * @throws InputError when the body is not UTF-8, or (an array or a single point) not JSON: with line and column.
 */
export function parseJson(body: Uint8Array | string, options: JsonOptions): ParsedJson {
  const text = typeof body === "string" ? body : decode(body);
  const precision = options.precision ?? "ns";
  const unit = unitNs[precision];
  const nowNs = options.nowNs - (((options.nowNs % unit) + unit) % unit);
  const unknown = new Map<string, [string, string]>();
  const typeOf = (measurement: string, field: string) => {
    const type = options.typeOf(measurement, field);
    if (type === undefined) unknown.set(JSON.stringify([measurement, field]), [measurement, field]);
    return type;
  };
  const points = new Points(new BatchBuilder(options), { precision, nowNs, typeOf });
  if (new JsonReader(text).peek() === "[") addArray(points, text);
  else if (!addSingle(points, text)) addLines(points, text);
  return {
    batch: points.builder.finish(),
    rows: points.builder.rowCount,
    errors: points.errors,
    errorCount: points.errorCount,
    unknown: [...unknown.values()],
    locate: (refusals) => refusals.map((refusal) => points.located(refusal)),
  };
}

/** The good points go to the builder, the others' errors here. */
class Points {
  readonly errors: Located[] = [];
  errorCount = 0;
  /** Numbers of the good points, for `#where`. */
  readonly #good: number[] = [];
  #where: (number: number) => string = () => "";

  constructor(
    readonly builder: BatchBuilder,
    readonly context: PointContext,
  ) {}

  /**
   * Takes the point that `read` gives, or keeps its error.
   * @param where says which point it is by its number, "" when there is only one
   * @param separator between that and the path inside the point
   */
  add(number: number, where: (number: number) => string, separator: string, read: () => JsonValue): void {
    this.#where = where;
    try {
      addJsonPoint(this.builder, read(), this.context);
      this.#good.push(number);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.errorCount++;
      if (this.errors.length === KEPT_ERRORS) return;
      const path = error instanceof PointError ? error.path : "";
      const reason = error instanceof PointError ? error.reason : error.message;
      const point = where(number);
      const place = point !== "" && path !== "" ? point + separator + path : point + path;
      this.errors.push({ number, text: placed(place, reason) });
    }
  }

  located({ reason, table, row }: Refusal): Located {
    const number = this.#good[this.builder.pointOf(table, row)]!;
    return { number, text: placed(this.#where(number), reason) };
  }
}

function placed(place: string, reason: string): string {
  return place === "" ? reason : `${place}: ${reason}`;
}

const inArray = (index: number) => `[${index}]`;
const inLines = (number: number) => `line ${number}`;

function addArray(points: Points, text: string): void {
  const reader = new JsonReader(text);
  const values = reader.value();
  reader.end();
  if (!Array.isArray(values)) throw new InputError("expected an array of points");
  for (const [index, value] of values.entries()) points.add(index, inArray, ".", () => value);
}

/** One point over the whole text; false when the text looks like NDJSON instead. */
function addSingle(points: Points, text: string): boolean {
  const reader = new JsonReader(text);
  if (reader.atEnd())
    throw new InputError("the body is empty: expected a point, an array of points, or a point a line");
  try {
    const value = reader.value();
    reader.end();
    points.add(
      0,
      () => "",
      "",
      () => value,
    );
    return true;
  } catch (error) {
    // points of NDJSON start at the left margin; the lines of a single broken point hardly do
    if (error instanceof JsonSyntaxError && /\n\{/.test(text)) return false;
    throw error;
  }
}

function addLines(points: Points, text: string): void {
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    if (line.trim() === "") continue;
    points.add(number, inLines, ": ", () => {
      const reader = new JsonReader(line);
      try {
        const value = reader.value();
        reader.end();
        return value;
      } catch (error) {
        if (error instanceof JsonSyntaxError)
          throw new InputError(`invalid JSON at column ${error.column}: ${error.reason}`);
        throw error;
      }
    });
  }
}

function decode(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new InputError("the body is not UTF-8");
  }
}

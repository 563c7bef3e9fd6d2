// Serie: an open database as a program in the same process sees it.

import { InputError } from "../base/errors.ts";
import { noTime, type Point, TIME_FORMS } from "../ingest/points.ts";
import { FieldType } from "../model/types.ts";
import { parseInstant } from "../query/planner/instants.ts";
import type { Cell, Scalar, StatementResult } from "../query/result.ts";
import { Database } from "./database.ts";
import { Head } from "./head.ts";
import { type OptionsInput, resolveOptions } from "./options.ts";
import type { RunOptions } from "./sessions.ts";
import type { Health, Metric } from "./status.ts";
import type { WriteOutcome, WriteTarget } from "./stored.ts";
import type { Users } from "./users.ts";

/** The database that points and queries belong to when none is named. */
export const DEFAULT_DATABASE = "default";

export type Target = Partial<WriteTarget>;

/** One series of an answer: rows as arrays, in the order of `columns`. */
export interface SeriesResult {
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  /** Times are bigint ns; integers that a number cannot hold are bigint, too. */
  readonly rows: readonly (readonly Cell[])[];
}

/** A row of `read`; integer fields are bigint, so that writing it again keeps their type. */
export interface ReadPoint {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, Exclude<Scalar, null>>>;
  /** ns. */
  readonly time: bigint;
}

/** A moment: bigint = ns, number = ms, Date, or text as in a query (RFC 3339, or a date). */
export type Moment = bigint | number | Date | string;

/**
 * Opens the database in `dataDir` (made when missing), in this thread or, with `threads`, in several. `maxMemSize`: bytes or "64MiB"; `flushInterval`: ms or
 * "10m". Throws `InputError` for bad options, `DiskError` when another process has the folder.
 */
export async function open(options: OptionsInput = {}): Promise<Serie> {
  const resolved = resolveOptions(options);
  return new Serie(resolved.threads > 1 ? await Head.open(resolved) : await Database.open(options));
}

export class Serie {
  readonly #database: Database | Head;

  constructor(database: Database | Head) {
    this.#database = database;
  }

  /** Stores one point. Resolves when it is durable; throws `InputError` when it cannot be stored. */
  async write(point: Point, target: Target = {}): Promise<void> {
    const { errors } = await this.writeBatch([point], target);
    if (errors[0] !== undefined) throw new InputError(errors[0]);
  }

  /**
   * Stores points. Resolves when all are durable. A malformed point throws `InputError` and nothing is stored; a value that
   * does not fit its field's type drops that point alone, which throws nothing: look at the outcome's `errors`.
   */
  writeBatch(points: readonly Point[], target: Target = {}): Promise<WriteOutcome> {
    return this.#database.writePoints(points, { database: DEFAULT_DATABASE, ...target });
  }

  /** Stores line protocol; refused lines are in the outcome's `errors`, and throw nothing. */
  writeLines(lines: string | Uint8Array, target: Target = {}): Promise<WriteOutcome> {
    return this.#database.writeLines(lines, { database: DEFAULT_DATABASE, ...target });
  }

  /** Stores JSON: one point, an array, or a point a line. */
  writeJson(body: string | Uint8Array, target: Target = {}): Promise<WriteOutcome> {
    return this.#database.writeJson(body, { database: DEFAULT_DATABASE, ...target });
  }

  /** The points of a measurement with start <= time <= end whose tags have the given values, ascending in time. */
  async read(
    measurement: string,
    start: Moment,
    end: Moment,
    tags: Readonly<Record<string, string>> = {},
    database: string = DEFAULT_DATABASE,
  ): Promise<ReadPoint[]> {
    const conditions = [`time >= ${literal("start", start)}`, `time <= ${literal("end", end)}`];
    for (const [key, value] of Object.entries(tags))
      conditions.push(`${identifier(key)}::tag = ${text(value)}`);
    const query = `SELECT * FROM ${identifier(measurement)} WHERE ${conditions.join(" AND ")} GROUP BY *`;
    const infos = await this.#database.source.fields(database, measurement);
    const integers = new Set(
      infos
        .filter(({ type }) => type === FieldType.Integer || type === FieldType.Unsigned)
        .map(({ name }) => name),
    );
    const points: ReadPoint[] = [];
    for (const series of await this.query(query, { database })) {
      const [, ...names] = series.columns;
      for (const [time, ...cells] of series.rows) {
        const fields: Record<string, Exclude<Scalar, null>> = {};
        cells.forEach((cell, i) => {
          const name = names[i]!;
          if (cell !== null)
            fields[name] = integers.has(name) ? BigInt(cell as bigint) : (cell as Scalar & {});
        });
        const given = Object.entries(series.tags ?? {}).filter(([, value]) => value !== "");
        points.push({ measurement, tags: Object.fromEntries(given), fields, time: time as bigint });
      }
    }
    return points.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  }

  /** Runs statements and gives all series of all answers. Throws the first error. */
  async query(statements: string, options: RunOptions = {}): Promise<SeriesResult[]> {
    const all: SeriesResult[] = [];
    for await (const result of this.run(statements, { database: DEFAULT_DATABASE, ...options })) {
      let open: { rows: (readonly Cell[])[] } | undefined;
      for await (const series of result.series) {
        if (open) open.rows.push(...series.rows);
        else {
          const rows = [...series.rows];
          const { name, tags, columns } = series;
          all.push({
            ...(name === undefined ? {} : { name }),
            ...(tags === undefined ? {} : { tags: Object.fromEntries(tags) }),
            ...{ columns, rows },
          });
          open = { rows };
        }
        if (!series.partial) open = undefined;
      }
    }
    return all;
  }

  /** Runs statements and streams their answers, as the server does. */
  run(statements: string, options: RunOptions = {}): AsyncIterable<StatementResult> {
    return this.#database.run(statements, options);
  }

  /** Brings all rows in memory to segments. */
  flush(): Promise<void> {
    return this.#database.flush();
  }

  /** Flushes and closes. */
  close(): Promise<void> {
    return this.#database.close();
  }

  /** Users, grants and tokens: who may come in through a server. */
  get users(): Users {
    return this.#database.users;
  }

  async health(): Promise<Health> {
    return this.#database.health();
  }

  async metrics(): Promise<readonly Metric[]> {
    return this.#database.metrics();
  }
}

function identifier(name: string): string {
  return `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

function text(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
}

const MOMENT_FORMS = `${TIME_FORMS}, or text such as "2024-01-15" or "2024-01-15T10:00:00Z"`;

/** `argument`: its name, for errors. */
function literal(argument: string, moment: Moment): string {
  if (typeof moment === "bigint") return `${moment}`;
  if (typeof moment === "string" && isInstant(moment)) return text(moment);
  const ms = moment instanceof Date ? moment.getTime() : moment;
  if (typeof ms !== "number" || !Number.isFinite(ms)) throw noTime(argument, moment, MOMENT_FORMS);
  return `${BigInt(Math.round(ms * 1e6))}`;
}

function isInstant(text: string): boolean {
  try {
    return parseInstant(text, null) !== null;
  } catch (error) {
    if (error instanceof InputError) return false; // a day or an hour that does not exist
    throw error;
  }
}

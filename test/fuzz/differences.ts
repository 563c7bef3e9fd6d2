// The table of deliberate differences from influxd 1.6.7: what the comparison lets pass, and what docs/differences.md shows.
//
// An entry is as narrow as it can be said. What is not in it is a bug of serie.
import { changes } from "./differences/changes.ts";
import { formats } from "./differences/formats.ts";
import { limits } from "./differences/limits.ts";
import { messages } from "./differences/messages.ts";
import { names } from "./differences/names.ts";
import { rows } from "./differences/rows.ts";
import { selections } from "./differences/selections.ts";
import { shows } from "./differences/shows.ts";
import { subqueries } from "./differences/subqueries.ts";
import type { Exchange, Reply } from "./pair.ts";

export interface Observation {
  /** Its text without comments and bind parameters. */
  readonly exchange: Exchange;
  /** As it was sent. */
  readonly written: string;
  readonly serie: Reply;
  readonly influxd: Reply;
  /** Series of the data share times. */
  readonly hasTies: boolean;
  /** What was sent before. */
  readonly history: readonly Exchange[];
  /** The names of all fields. */
  readonly fields: ReadonlySet<string>;
}

export interface Difference {
  /** A few words, unique. */
  readonly title: string;
  readonly influxd: string;
  readonly serie: string;
  readonly reason: string;
  /** Whether this may explain why the two replies are not the same. */
  covers(observation: Observation): boolean;
  /**
   * The statement with what is claimed to make the difference taken out or replaced: both servers must answer that alike, or this
   * explains nothing. null: it is not in the statement.
   */
  without?(text: string): string | null;
  /** Whether serie's own answers with it and without it fit together; absent: nothing is known. */
  fits?(text: string, serie: Reply, without: Reply): boolean;
  /** The format in which it must be so. */
  readonly inFormat?: "json";
}

export const differences: readonly Difference[] = [
  ...selections,
  ...names,
  ...limits,
  ...rows,
  ...subqueries,
  ...shows,
  ...changes,
  ...messages,
  ...formats,
];

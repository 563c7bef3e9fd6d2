// The library: `import { open } from "serie"`. Loads neither an HTTP server nor anything of it.
export { AssertionError } from "./base/assert.ts";
export {
  ClosedError,
  CorruptionError,
  DiskError,
  InputError,
  NotFoundError,
  OverloadedError,
  QueryAbortedError,
  SerieError,
} from "./base/errors.ts";
export type { OptionsInput } from "./db/options.ts";
export {
  DEFAULT_DATABASE,
  type Moment,
  open,
  type ReadPoint,
  type Serie,
  type SeriesResult,
  type Target,
} from "./db/serie.ts";
export type { RunOptions } from "./db/sessions.ts";
export type { WriteOutcome } from "./db/stored.ts";
export type { FieldValue } from "./ingest/builder.ts";
export type { Point } from "./ingest/points.ts";
export type { Cell, ResultSeries, StatementResult } from "./query/result.ts";

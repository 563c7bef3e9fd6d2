// What HTTP needs of an open database, or of one of its threads: a test may put something else in its place.
import type { Awaitable } from "../base/awaitable.ts";
import type { Database } from "../db/database.ts";
import type { Peers } from "../db/peers.ts";
import type { Health, Metric } from "../db/status.ts";
import type { SeriesWriter } from "../query/make-share.ts";

export interface Backend extends Pick<Database, "writeLines" | "writeJson" | "run" | "users"> {
  /** Absent: there is one thread. */
  readonly peers?: Peers;
  health(): Awaitable<Health>;
  /** Whether all threads take requests, or did once. Absent: there is one thread. */
  isReady?(): Awaitable<boolean>;
  /** Of all threads, with what `addMetrics` was given in each. */
  metrics(): Awaitable<readonly Metric[]>;
  /** How series of answers are written in this thread, for whichever thread asks. Absent: there is one thread. */
  answerWith?(writer: SeriesWriter): void;
  /** Absent: the metrics of HTTP are this thread's alone. */
  addMetrics?(metrics: () => readonly Metric[]): void;
}

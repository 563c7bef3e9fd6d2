// What HTTP needs of an open database: a test may put something else in its place.
import type { Database } from "../db/database.ts";

export type Backend = Pick<Database, "writeLines" | "writeJson" | "run" | "health" | "metrics" | "users">;

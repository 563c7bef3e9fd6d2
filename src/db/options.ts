// Every option of serie, once: its type, default, bounds and one line of documentation.
//
// The names elsewhere follow from the name here: `maxMemSize` is the library's `open({ maxMemSize })`, the flag
// `--max-mem-size`, the variable `SERIE_MAX_MEM_SIZE` and the TOML key `max-mem-size`. Precedence: flags, then the
// environment, then the TOML file, then the defaults; the library has only its argument and the defaults.
// Sizes are bytes (a number, or text such as "64MiB"), durations milliseconds (a number, or text such as "10s").
import { InputError } from "../base/errors.ts";
import { duration, flag, integer, type Option, oneOf, size, text } from "./option-kinds.ts";

const options = {
  dataDir: text("./data", "Folder that holds everything; created when missing, locked by one process."),
  host: text("127.0.0.1", "Address the server listens on (0.0.0.0 = every IPv4 interface)."),
  port: integer(8086, 0, 65535, "Port the server listens on; 0 = any free one, printed at the start."),
  maxMemSize: size(
    "64MiB",
    "1MiB",
    "Memory for rows not yet in segments, over all stores; reaching it flushes.",
  ),
  flushInterval: duration(
    "10m",
    "100ms",
    "Rows not yet in segments are flushed once the oldest is this old.",
  ),
  durability: oneOf(
    ["always", "interval"],
    "`always`: on disk (fdatasync) before a write is answered; `interval`: synced every `sync-interval`.",
  ),
  syncInterval: duration("200ms", "1ms", "With durability `interval`: what a power cut can lose at most."),
  partitions: integer(
    16,
    1,
    1024,
    "Stores that the series are spread over; fixed when the folder is created.",
  ),
  threads: integer(
    0,
    0,
    64,
    "Threads that share the partitions; 0 = the server: one a core but one, the library: the caller's.",
  ),
  strictTypes: flag(false, "Refuse values of another type than the field's, even if exactly convertible."),
  autoCreateDatabase: flag(true, "The first write to an unknown database creates it."),
  authEnabled: flag(false, "Requests must come from users: `CREATE USER ... WITH PASSWORD ...`."),
  allowOpen: flag(false, "Listen on an address that others reach also without authentication."),
  maxBodySize: size(
    "25000000",
    "1KiB",
    "Largest request body, as sent and as inflated; more is answered 413.",
  ),
  maxInflightSize: size("256MiB", "1MiB", "Bodies held at a time, over all requests; more are answered 503."),
  queryTimeout: duration("1m", "0ms", "A query that runs longer is ended with an error; 0 = no bound."),
  queryMemory: size("256MiB", "1MiB", "Memory that one query may hold; more ends it with an error."),
  slowQueryThreshold: duration(
    "0ms",
    "0ms",
    "A statement that takes this long is logged with its plan, rows and duration; 0 = none is.",
  ),
  maxConcurrentQueries: integer(
    0,
    0,
    1_000_000,
    "Query texts that may run at a time; one more is answered with an error; 0 = no bound.",
  ),
  logLevel: oneOf(["info", "trace", "debug", "warn", "error", "silent"], "What the server logs to stderr."),
} as const;

/** The table, for what lists all options: `--help`, the README's table and its test. */
export const optionTable: { readonly [K in OptionName]: Option<Options[K], unknown> } = options;

export type OptionName = keyof typeof options;
/** Every option with its value: sizes in bytes, durations in ms. */
export type Options = {
  readonly [K in OptionName]: (typeof options)[K] extends Option<infer T, infer _> ? T : never;
};
/** What callers give: any subset, sizes and durations also as text. */
export type OptionsInput = {
  readonly [K in OptionName]?: (typeof options)[K] extends Option<infer T, infer Given> ? T | Given : never;
};

export const optionNames = Object.keys(options) as OptionName[];

/** `maxMemSize` -> `max-mem-size`: the flag without its dashes, and the TOML key. */
export function kebabName(name: OptionName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `maxMemSize` -> `SERIE_MAX_MEM_SIZE`. */
export function environmentName(name: OptionName): string {
  return `SERIE_${kebabName(name).replaceAll("-", "_").toUpperCase()}`;
}

/** The default as documentation shows it: `64MiB`, `10m`, `./data`. */
export function defaultText(name: OptionName): string {
  const option = optionTable[name] as Option<unknown, unknown>;
  return option.kind.show(option.default);
}

/** One place that options come from, with the name that the place has for each: `--port`, `SERIE_PORT`, ... */
export interface OptionLayer {
  readonly values: { readonly [K in OptionName]?: unknown };
  nameOf(name: OptionName): string;
}

/** Options from the layers, the first that has a value wins, then the default. Throws `InputError`. */
export function resolveLayers(layers: readonly OptionLayer[]): Options {
  const resolved: Record<string, unknown> = {};
  for (const name of optionNames) {
    const option = optionTable[name] as Option<unknown, unknown>;
    const layer = layers.find((candidate) => candidate.values[name] !== undefined);
    resolved[name] = layer ? readOption(option, layer.values[name], layer.nameOf(name)) : option.default;
  }
  return resolved as Options;
}

/** The library's options: what `open` was given over the defaults. Throws `InputError`, also for unknown names. */
export function resolveOptions(given: OptionsInput = {}): Options {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(options, name))
      throw new InputError(
        `unknown option ${JSON.stringify(name)}: the options are ${optionNames.join(", ")}`,
      );
  }
  return resolveLayers([{ values: given, nameOf: (name) => name }]);
}

function readOption(option: Option<unknown, unknown>, raw: unknown, place: string): unknown {
  try {
    return option.kind.read(raw);
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${place}: ${error.message}`);
    throw error;
  }
}

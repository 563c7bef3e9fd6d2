// Field types, timestamps and durations: the vocabulary that every layer above shares.

/** The five types of a field, with the code that stands for each in every byte format. */
export const FieldType = { Float: 1, Integer: 2, Unsigned: 3, Boolean: 4, String: 5 } as const;
export type FieldType = (typeof FieldType)[keyof typeof FieldType];

/** InfluxQL's names of the types, as SHOW FIELD KEYS prints them. */
export const fieldTypeNames: Readonly<Record<FieldType, string>> = {
  1: "float",
  2: "integer",
  3: "unsigned",
  4: "boolean",
  5: "string",
};

/** Smallest and largest storable time, ns since the epoch (InfluxDB's: the int64 range less two at both ends). */
export const MIN_TIME = -9223372036854775806n;
export const MAX_TIME = 9223372036854775806n;

/** Nanoseconds in each unit of `precision=` and `epoch=`. */
export const unitNs = {
  n: 1n,
  ns: 1n,
  u: 1_000n,
  us: 1_000n,
  µ: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
} as const;
export type TimeUnit = keyof typeof unitNs;

export interface FieldInfo {
  readonly name: string;
  readonly type: FieldType;
}

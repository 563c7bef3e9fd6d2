// Fixed contents of small segments: under the golden files, and damaged byte by byte.
import { type FieldInfo, FieldType } from "../../src/model/types.ts";
import type { TestTable } from "./segment-rows.ts";

const SECOND_NS = 1_000_000_000n;

const all: FieldInfo[] = [
  { name: "usage", type: FieldType.Float },
  { name: "requests", type: FieldType.Integer },
  { name: "bytes", type: FieldType.Unsigned },
  { name: "up", type: FieldType.Boolean },
  { name: "state", type: FieldType.String },
];

/** Small, with every type, nulls, an absent column, one long series and several short ones. */
export const everyType: TestTable[] = [
  {
    measurement: "cpu",
    fields: all,
    series: [1, 2, 5].map((id) => ({
      id,
      rows: Array.from({ length: id === 2 ? 9 : 2 }, (_, i) => ({
        time: SECOND_NS * BigInt(i + id),
        values: [
          i % 3 === 2 ? null : (i * 37 + id) / 100,
          BigInt(i * i),
          2n ** 64n - BigInt(i + 1),
          i % 2 === 0,
          i === 1 ? null : `state ${i}`,
        ],
      })),
    })),
  },
  {
    measurement: "disk",
    fields: all,
    series: [{ id: 3, rows: [{ time: 5n, values: [1.5, null, null, null, null] }] }],
  },
];

/** High cardinality (runs of ids with one row each) and a series that spans groups. */
export const shortAndLong: TestTable[] = [
  {
    measurement: "new series",
    fields: [{ name: "value", type: FieldType.Float }],
    series: [10, 11, 12, 13, 14, 15, 40, 41, 42, 43].map((id) => ({
      id,
      rows: [{ time: 1000n * SECOND_NS, values: [id / 8] }],
    })),
  },
  {
    measurement: "old series",
    fields: [{ name: "value", type: FieldType.Float }],
    series: [
      {
        id: 7,
        rows: Array.from({ length: 40 }, (_, i) => ({
          time: BigInt(i) * 10n * SECOND_NS,
          values: [20 + (i % 7) / 10],
        })),
      },
    ],
  },
];

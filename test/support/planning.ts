// Plans of statements over a schema of a few measurements.
import { expect } from "bun:test";
import { SerieError } from "../../src/base/errors.ts";
import type { Metadata } from "../../src/model/scan.ts";
import { type FieldInfo, FieldType } from "../../src/model/types.ts";
import { parseQuery } from "../../src/query/parse/parser.ts";
import type { Plan, SelectPlan } from "../../src/query/plan.ts";
import { type PlanContext, planStatement } from "../../src/query/planner/planner.ts";

export const NOW = 1_700_000_400_000_000_000n;

type Stored = Readonly<Record<string, { fields: readonly FieldInfo[]; tags: readonly string[] }>>;

export const cpu = {
  fields: [
    { name: "b", type: FieldType.Boolean },
    { name: "n", type: FieldType.Integer },
    { name: "s", type: FieldType.String },
    { name: "value", type: FieldType.Float },
  ],
  tags: ["host", "region"],
};

const stored: Stored = {
  cpu,
  mem: { fields: [{ name: "free", type: FieldType.Integer }], tags: ["host"] },
  ticks: { fields: [{ name: "ts", type: FieldType.Integer }], tags: [] },
  weather: { fields: [{ name: "value", type: FieldType.Float }], tags: ["location"] },
};

/** Of a database `db0` with these measurements. */
export function contextOf(measurements: Stored): PlanContext {
  return {
    database: "db0",
    retentionPolicy: "",
    nowNs: NOW,
    administration: {
      retentionPolicies: (database) =>
        database === "db0"
          ? [
              { name: "autogen", durationNs: 0n, shardDurationNs: 1n, isDefault: true, replication: 1 },
              { name: "short", durationNs: 1n, shardDurationNs: 1n, isDefault: false, replication: 1 },
            ]
          : undefined,
    },
    metadata: {
      measurements: async () => Object.keys(measurements),
      fields: async (_database: string, measurement: string) => measurements[measurement]?.fields ?? [],
      tagKeys: async (_database: string, measurement: string) => measurements[measurement]?.tags ?? [],
    } as unknown as Metadata,
  };
}

export const context = contextOf(stored);

export const planOf = (text: string, changes: Partial<PlanContext> = {}): Promise<Plan> =>
  planStatement(parseQuery(text)[0]!, { ...context, ...changes });

export async function select(text: string): Promise<SelectPlan> {
  const plan = await planOf(text);
  if (plan.kind !== "select") throw new Error(`not a SELECT: ${text}`);
  return plan;
}

export async function errorOf(text: string, changes: Partial<PlanContext> = {}): Promise<string> {
  try {
    await planOf(text, changes);
  } catch (error) {
    expect(error).toBeInstanceOf(SerieError);
    return (error as SerieError).message;
  }
  return "no error";
}

export const columnsOf = async (text: string): Promise<string> =>
  (await select(text)).columns.map(({ name }) => name).join(" ");

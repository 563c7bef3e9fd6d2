// TSBS's "cpu-only" data set (github.com/timescale/tsbs), deterministic: who the hosts are and how values move.
//
//     for each step of 10 s
//       for each host      cpu,hostname=host_0,region=...,(8 more tags) usage_user=58.13,(9 more fields) <ns>
//
// Each field of each host is a random walk with steps N(0,1), clamped to [0, 100]. The kinds differ only in how a
// walk's position becomes a value: rounded to two decimals, as it is (up to 17 digits), rounded to an integer.
import type { Random } from "./random.ts";

export const fieldNames = [
  "usage_user",
  "usage_system",
  "usage_idle",
  "usage_nice",
  "usage_iowait",
  "usage_irq",
  "usage_softirq",
  "usage_steal",
  "usage_guest",
  "usage_guest_nice",
] as const;
export const FIELD_COUNT = fieldNames.length;

/** In the order of `hostPrefix`. */
export const tagNames = [
  "hostname",
  "region",
  "datacenter",
  "rack",
  "os",
  "arch",
  "team",
  "service",
  "service_version",
  "service_environment",
] as const;

export const kinds = ["decimal", "full", "int"] as const;
export type Kind = (typeof kinds)[number];
export const kindNames: Readonly<Record<Kind, string>> = {
  decimal: "floats, two decimals",
  full: "floats, full precision",
  int: "ints",
};

/** 2016-01-01T00:00:00Z, where TSBS starts; a multiple of an hour, so that windows start with the data. */
export const START_S = 1_451_606_400;
export const STEP_S = 10;

const regions: readonly (readonly [string, readonly string[]])[] = [
  ["us-east-1", ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1e"]],
  ["us-west-1", ["us-west-1a", "us-west-1b"]],
  ["us-west-2", ["us-west-2a", "us-west-2b", "us-west-2c"]],
  ["eu-west-1", ["eu-west-1a", "eu-west-1b", "eu-west-1c"]],
  ["eu-central-1", ["eu-central-1a", "eu-central-1b"]],
  ["ap-southeast-1", ["ap-southeast-1a", "ap-southeast-1b"]],
  ["ap-southeast-2", ["ap-southeast-2a", "ap-southeast-2b"]],
  ["ap-northeast-1", ["ap-northeast-1a", "ap-northeast-1c"]],
  ["sa-east-1", ["sa-east-1a", "sa-east-1b", "sa-east-1c"]],
];
const systems = ["Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"] as const;
const architectures = ["x64", "x86"] as const;
const teams = ["SF", "NYC", "LON", "CHI"] as const;
const environments = ["production", "staging", "test"] as const;

/** The measurement and its ten tags for one host, in TSBS's order (which is not sorted: the server has to sort). */
export function hostPrefix(host: number, random: Random, measurement = "cpu"): string {
  const [region, datacenters] = random.pick(regions);
  return [
    measurement,
    `hostname=host_${host}`,
    `region=${region}`,
    `datacenter=${random.pick(datacenters)}`,
    `rack=${random.below(100)}`,
    `os=${random.pick(systems)}`,
    `arch=${random.pick(architectures)}`,
    `team=${random.pick(teams)}`,
    `service=${random.below(20)}`,
    `service_version=${random.below(2)}`,
    `service_environment=${random.pick(environments)}`,
  ].join(",");
}

/** A walk's position as the value of a kind, and that value as line protocol writes it. */
export interface Format {
  value(position: number): number;
  text(position: number): string;
}

/** How positions in [0, 100] become values and text; rounded kinds look their few texts up. */
export function formatOf(kind: Kind): Format {
  if (kind === "full") return { value: (position) => position, text: String };
  const scale = kind === "decimal" ? 100 : 1;
  const suffix = kind === "int" ? "i" : "";
  const texts = Array.from({ length: 100 * scale + 1 }, (_, i) => `${i / scale}${suffix}`);
  return {
    value: (position) => Math.round(position * scale) / scale,
    text: (position) => texts[Math.round(position * scale)]!,
  };
}

/** Every walk of every host, moving together: `positions[host * FIELD_COUNT + field]`. */
export class Walks {
  readonly positions: Float64Array;
  readonly #random: Random;

  constructor(hostCount: number, random: Random) {
    this.#random = random;
    this.positions = new Float64Array(hostCount * FIELD_COUNT);
    for (let i = 0; i < this.positions.length; i++) this.positions[i] = random.fraction() * 100;
  }

  step(): void {
    const { positions } = this;
    for (let i = 0; i < positions.length; i++) {
      positions[i] = Math.min(100, Math.max(0, positions[i]! + this.#random.normal()));
    }
  }
}

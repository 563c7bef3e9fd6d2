// Command line of the benchmark.
import { parseArgs } from "node:util";
import { type Kind, kinds } from "./tsbs.ts";

export interface Flags {
  readonly kinds: readonly Kind[];
  readonly peers: readonly string[];
  readonly hostCount: number;
  readonly stepCount: number;
  /** Size of the burst of new series; 0 = leave it out. */
  readonly seriesCount: number;
  readonly repetitions: number;
  readonly queries: boolean;
  /** Single points, dashboards and other kinds of values, too. */
  readonly more: boolean;
  /** Everything small: to see that it runs, not how fast. */
  readonly quick: boolean;
  readonly readme: boolean;
  /** Columns of serie, one for each number of threads; empty: one column, with what the server takes by itself. */
  readonly threads: readonly number[];
  /** The revision that this tree is compared with, alternating; null: compared with the peers. */
  readonly against: string | null;
  /** Only how cost grows; `large`: up to 100 million values and a million series. */
  readonly growth: "no" | "usual" | "large";
  /** Of a comparison: in each, both are measured once. */
  readonly rounds: number;
  readonly seed: number;
}

const peerNames: readonly string[] = ["influxd", "victoria", "duckdb"];

export const usage = `bun run bench [flags]
  --kinds decimal,full,int   kinds of values to load (default: all; the queries run over the first)
  --peers influxd,victoria,duckdb   measured beside serie where they are installed; "none" for serie alone
  --quick                    100 hosts x 200 steps and 30,000 new series instead of 1,000 x 1,000 and 300,000
  --series N                 new series in the burst; 0 leaves it out
  --no-queries               loads only
  --no-more                  no single points, no gzip, no dashboards, no other kinds of values, no cold page cache
  --repetitions N            of each query, at least (default 20)
  --seed N                   of the data and of the queries (default 1)
  --threads N[,M...]         threads of serie's server; several are columns of their own (default: what the server takes)
  --against REV              serie of this tree and of REV, alternating, without peers: ratios with their spread
  --rounds N                 of --against: both are measured once in each (default 5, with --quick 3)
  --growth                   only how cost grows: serie with 1 and 10 million values, with 1 and 100 thousand series
  --growth-large             the same with 100 million values and a million series, too
  --readme                   put the table between the markers in README.md; of --growth: write docs/growth.md and .svg`;

/** Throws an Error with a message for people when the arguments make no sense. */
export function readFlags(args: string[]): Flags {
  const { values } = parseArgs({
    args,
    options: {
      kinds: { type: "string", default: kinds.join(",") },
      peers: { type: "string", default: peerNames.join(",") },
      quick: { type: "boolean", default: false },
      series: { type: "string" },
      "no-more": { type: "boolean", default: false },
      "no-queries": { type: "boolean", default: false },
      repetitions: { type: "string" },
      seed: { type: "string", default: "1" },
      threads: { type: "string" },
      against: { type: "string" },
      growth: { type: "boolean", default: false },
      "growth-large": { type: "boolean", default: false },
      rounds: { type: "string" },
      readme: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const wantedKinds = values.kinds.split(",");
  for (const kind of wantedKinds) {
    if (!kinds.includes(kind as Kind)) throw new Error(`--kinds: "${kind}" is none of ${kinds.join(", ")}`);
  }
  const peers = values.peers === "none" ? [] : values.peers.split(",");
  for (const peer of peers) {
    if (!peerNames.includes(peer)) throw new Error(`--peers: "${peer}" is none of ${peerNames.join(", ")}`);
  }
  const threads = values.threads === undefined ? [] : values.threads.split(",");
  if (values.against !== undefined && values.readme)
    throw new Error("--readme is for the table beside the peers, not for --against");
  if (values.against !== undefined && (values.growth || values["growth-large"]))
    throw new Error("--against compares the usual figures: leave --growth out");
  if (values.against !== undefined && threads.length > 1)
    throw new Error("--against compares revisions with one number of --threads");
  return {
    threads: threads.map((text) => atLeastOne("--threads", text)),
    against: values.against ?? null,
    growth: values["growth-large"] ? "large" : values.growth ? "usual" : "no",
    rounds: atLeastOne("--rounds", values.rounds ?? (values.quick ? "3" : "5")),
    kinds: wantedKinds as Kind[],
    peers,
    hostCount: values.quick ? 100 : 1000,
    stepCount: values.quick ? 200 : 1000,
    seriesCount: wholeNumber("--series", values.series ?? (values.quick ? "30000" : "300000")),
    repetitions: wholeNumber("--repetitions", values.repetitions ?? (values.quick ? "5" : "20")),
    more: !values["no-more"],
    quick: values.quick,
    queries: !values["no-queries"],
    readme: values.readme,
    seed: wholeNumber("--seed", values.seed),
  };
}

function wholeNumber(flag: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${flag}: "${text}" is not a whole number`);
  return Number(text);
}

function atLeastOne(flag: string, text: string): number {
  const number = wholeNumber(flag, text);
  if (number === 0) throw new Error(`${flag}: at least 1`);
  return number;
}

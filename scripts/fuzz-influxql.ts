// Compares serie with influxd on generated statements, for as long as wanted: `bun run fuzz:influxql [--seed N] [--count N] [--minutes N]`.
//
// Prints the seed, how many statements a second, and for each difference the smallest case as blocks of a script.
import { parseArgs } from "node:util";
import { newTally, runCampaign } from "../test/fuzz/campaign.ts";
import { type Exchange, isInfluxdThere, Pair, type Reply } from "../test/fuzz/pair.ts";
import { asScript, shrink } from "../test/fuzz/shrink.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    count: { type: "string", default: "Infinity" },
    minutes: { type: "string", default: "Infinity" },
    /** Ends the run after so many differences. */
    findings: { type: "string", default: "20" },
    /** Where it begins: the round of a finding shows it again at once. */
    round: { type: "string", default: "0" },
    /** Prints what entries of the table let pass whose titles have this. */
    known: { type: "string" },
    /** Of serie. */
    threads: { type: "string", default: "2" },
    /** Not made small: faster. */
    raw: { type: "boolean", default: false },
  },
});
if (!isInfluxdThere()) {
  console.error("fuzz: influxd is not installed: bun scripts/peers.ts");
  process.exit(2);
}

const started = performance.now();
const tally = newTally();
const pair = await Pair.start(Number(values.threads));
let findings = 0;
const elapsedS = () => (performance.now() - started) / 1000;
const isOver = () =>
  tally.statements >= Number(values.count) ||
  elapsedS() > Number(values.minutes) * 60 ||
  findings >= Number(values.findings);
process.once("SIGINT", () => void pair.stop().then(() => process.exit(130)));

function print({ text }: Exchange, serie: Reply, influxd: Reply): void {
  const line = ({ status, body }: Reply) => `${status} ${body.slice(0, 600).trim()}`;
  console.log(`${text}\n  serie   ${line(serie)}\n  influxd ${line(influxd)}`);
}

console.log(`fuzz: seed ${values.seed}`);
try {
  await runCampaign({
    seed: Number(values.seed),
    pair,
    tally,
    fromRound: Number(values.round),
    isOver,
    onKnown(exchange, { title }, serie, influxd) {
      if (values.known === undefined || !title.includes(values.known)) return;
      console.log(`\n## ${title}`);
      print(exchange, serie, influxd);
    },
    async onFinding(finding) {
      if (findings >= Number(values.findings)) return;
      findings++;
      console.log(`\n## ${findings}: round ${finding.round}, ${finding.what}`);
      const minimal = values.raw ? null : await shrink(pair, finding);
      if (minimal !== null) console.log(asScript(minimal));
      else print(finding.exchange, finding.serie, finding.influxd);
    },
  });
} finally {
  await pair.stop();
}
const perSecond = Math.round(tally.statements / elapsedS());
console.log(
  `\nfuzz: seed ${values.seed}: ${tally.statements} statements (${tally.withRows} answered with rows), ${perSecond} a second, ${findings} differences`,
);
for (const [title, count] of [...tally.known].sort((a, b) => b[1] - a[1]))
  console.log(`  ${count} known: ${title}`);
process.exit(findings > 0 ? 1 : 0);

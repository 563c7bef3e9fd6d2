// Asks a real influxd what the scripts ask: `bun test/oracle/influxd.ts http://127.0.0.1:8086 [--print | --serie] [script...]`.
//
// With --serie the server is a serie, which answers as the scripts say also where influxd differs.
// Prints where its answer is not the script's; with --print, each query with influxd's answers, ready to paste.
// It drops the database db0 before each script, and writes into it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { comparable, parseScript } from "./script.ts";

const [url = "http://127.0.0.1:8086", ...rest] = process.argv.slice(2);
const prints = rest.includes("--print");
const isSerie = rest.includes("--serie");
const folder = join(import.meta.dir, "../query");
const named = rest.filter((argument) => !argument.startsWith("--"));
const paths = named.length > 0 ? named : readdirSync(folder).map((name) => join(folder, name));

async function ask(text: string, database: string, unit: string): Promise<string[]> {
  const body = new URLSearchParams({ q: text, db: database, epoch: unit === "us" ? "u" : unit });
  const response = await fetch(`${url}/query`, { method: "POST", body });
  const answer = await response.text();
  if (!response.ok) return [`! ${JSON.parse(answer).error}`];
  // one line a statement, as it came: JSON.parse would round integers
  return answer
    .trim()
    .replace(/^\{"results":\[|\]\}$/g, "")
    .split(/,(?=\{"statement_id":)/);
}

let asked = 0;
let differing = 0;
for (const path of paths.filter((each) => each.endsWith(".script"))) {
  const database = "db0";
  await ask(`DROP DATABASE ${database}; CREATE DATABASE ${database}`, "", "ns");
  for (const block of parseScript(readFileSync(path, "utf8"))) {
    if (block.kind === "write") {
      const response = await fetch(`${url}/write?db=${database}`, { method: "POST", body: block.lines });
      if (!response.ok) console.log(`${path}:${block.line}: ${await response.text()}`);
    }
    if (block.kind !== "query") continue;
    const answers = await ask(block.text, database, block.unit);
    if (prints) {
      const lines = answers.map((each) => (each.startsWith("! ") ? each : `= ${each}`));
      console.log(`query ${block.unit}\n${block.text}\n${lines.join("\n")}\n`);
      continue;
    }
    asked++;
    const expected = block.error === null ? block.expected : [`! ${block.error}`];
    const same = Bun.deepEquals(answers.map(asValue), expected.map(asValue));
    if (same === (isSerie || !block.differs)) continue;
    differing++;
    console.log(`${path}:${block.line}: ${block.text}`);
    console.log(
      same
        ? "  influxd does not differ"
        : `  influxd ${answers.join("\n          ")}\n  script  ${expected.join("\n          ")}`,
    );
  }
}
if (!prints) console.log(`${asked} asked, ${differing} to look at`);

function asValue(answer: string): unknown {
  // influxd breaks off with a text when a number is infinite
  return answer.startsWith("{") ? comparable(answer) : answer;
}

// Makes a finding small: fewer lines, fewer words, as long as the two servers still differ in the same way.

import type { Finding } from "./campaign.ts";
import { compare } from "./compare.ts";
import type { Exchange, Pair, Reply } from "./pair.ts";
import { tokens } from "./tokens.ts";

export interface Minimal {
  readonly lines: readonly string[];
  /** Statements that change something, in their order, between the lines and the last statement. */
  readonly changes: readonly string[];
  readonly exchange: Exchange;
  readonly serie: Reply;
  readonly influxd: Reply;
}

/** Bounds the time: each try writes a database anew. */
const MAX_TRIES = 400;

export async function shrink(pair: Pair, finding: Finding): Promise<Minimal | null> {
  let tries = 0;
  let best: Minimal | null = null;
  let sent: Exchange = finding.exchange;
  const wanted = waysOf(finding.serie, finding.influxd);
  const attempt = async (lines: readonly string[], changes: readonly string[], text: string) => {
    if (tries++ >= MAX_TRIES) return false;
    const database = `shrink${process.pid}_${tries}`;
    const rename = (words: string) => words.replaceAll(finding.exchange.database, database);
    const setUp = async (exchange: Exchange) => void (await pair.both(exchange));
    await setUp({ kind: "query", database: "", text: `CREATE DATABASE ${database}` });
    if (lines.length > 0) await setUp({ kind: "write", database, text: lines.join("\n") });
    for (const each of changes) await setUp({ kind: "query", database, text: rename(each) });
    const exchange: Exchange = { ...sent, database, text: rename(text), statements: undefined };
    const [serie, influxd] = await pair.both(exchange);
    const written: Exchange[] = lines.length > 0 ? [{ kind: "write", database, text: lines.join("\n") }] : [];
    const history = [...written, ...changes.map((text): Exchange => ({ kind: "query", database, text }))];
    const isFound =
      waysOf(serie, influxd) === wanted &&
      (await compare(exchange, serie, influxd, { ...finding.circumstances, history })).kind === "different";
    await setUp({ kind: "query", database: "", text: `DROP DATABASE ${database}` });
    if (isFound) best = { lines, changes, exchange: { ...exchange, text }, serie, influxd };
    return isFound;
  };

  const before = finding.history.slice(1);
  let lines = before
    .filter(({ kind }) => kind === "write")
    .flatMap(({ text }) => text.split(/\n(?=[^\n]* -?\d+$)/m));
  let changes = before.filter(({ kind }) => kind === "query").map(({ text }) => text);
  // without comments and bind parameters, where they are not what makes the difference
  const { statements = [sent.text] } = sent;
  let text = statements.join("; ");
  sent = { ...sent, parameters: undefined };
  if (!(await attempt(lines, changes, text))) {
    ({ exchange: sent } = finding);
    ({ text } = sent);
    if (!(await attempt(lines, changes, text))) return null;
  }
  changes = await fewer(changes, (some) => attempt(lines, some, text));
  lines = await fewer(lines, (some) => attempt(some, changes, text));
  const words = await fewer(tokens(text), (some) => attempt(lines, changes, some.join("")));
  text = words.join("");
  await fewer(lines, (some) => attempt(some, changes, text));
  return best;
}

/** Removes ever smaller stretches while the rest still shows it (delta debugging). */
async function fewer<T>(all: readonly T[], shows: (some: T[]) => Promise<boolean>): Promise<T[]> {
  let rest = [...all];
  for (let size = Math.ceil(rest.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < rest.length; ) {
      const some = [...rest.slice(0, at), ...rest.slice(at + size)];
      if (await shows(some)) rest = some;
      else at += size;
    }
  return rest;
}

/** The kind of a difference: which side answers with an error, and of which sort. */
function waysOf(serie: Reply, influxd: Reply): string {
  const way = ({ status, body }: Reply) => {
    const error = /"error": ?"(.*?)"[},\n]/.exec(body)?.[1];
    return `${status} ${error === undefined ? "" : error.replace(/\W+\S*\d\S*|\\".*?\\"|`.*`/g, "").slice(0, 24)}`;
  };
  return `${way(serie)} | ${way(influxd)}`;
}

/** The finding as blocks of a script (test/query), influxd's answer being the expected one. */
export function asScript(minimal: Minimal): string {
  const write = minimal.lines.length > 0 ? `write\n${minimal.lines.join("\n")}\n\n` : "";
  const changes = minimal.changes.map((text) => `query ns\n${text}\n= {"statement_id":0}\n\n`).join("");
  const { exchange, influxd, serie } = minimal;
  const answer = ({ status, body }: Reply) =>
    status === 200 ? `= ${body.trim().replace(/^\{"results":\[|\]\}$/g, "")}` : `! ${status} ${body.trim()}`;
  const unit = exchange.epoch === "u" ? "us" : exchange.epoch || "ns";
  const how = exchange.format === undefined || exchange.format === "json" ? "" : `# as ${exchange.format}\n`;
  return `${write}${changes}${how}query ${unit}\n${exchange.text}\n${answer(influxd)}\n# serie: ${answer(serie)}`;
}

// Whether two replies say the same: as JSON, with rounding allowed and the deliberate differences of the table taken out.
import { comparable } from "../oracle/script.ts";
import { isLongForecast } from "./differences/claims.ts";
import { resultsOf } from "./differences/evidence.ts";
import { stopped } from "./differences/formats.ts";
import { type Difference, differences } from "./differences.ts";
import { type Exchange, isWhole, type Reply } from "./pair.ts";
import { isWindowed, withSelects } from "./rewrite.ts";

export type Verdict =
  | { readonly kind: "same" }
  /** Told apart by an entry of the table of differences. */
  | { readonly kind: "known"; readonly difference: Difference }
  | { readonly kind: "different"; readonly what: string };

const same: Verdict = { kind: "same" };

export interface Circumstances {
  readonly hasTies: boolean;
  readonly history: readonly Exchange[];
  readonly fields: ReadonlySet<string>;
  /** Sends another statement to both. */
  ask(exchange: Exchange): Promise<readonly [serie: Reply, influxd: Reply]>;
}

/** So many claims at once may explain a difference. */
const MAX_CLAIMS = 4;

export async function compare(
  exchange: Exchange,
  serie: Reply,
  influxd: Reply,
  circumstances: Circumstances,
  claims = 0,
): Promise<Verdict> {
  const what = whatDiffers(exchange, serie, influxd);
  if (what === null) return same;
  // (of a statement without words nothing is answered)
  const statements = (exchange.statements ?? [exchange.text]).filter((text) => text.trim() !== "");
  const [ours, theirs] = [resultsOf(serie.body), resultsOf(influxd.body)];
  // (what is too long to be compared is behind what influxd did not run)
  if (!isWhole(serie) && theirs?.[0] !== undefined && isStopped(theirs[0]))
    return { kind: "known", difference: stopped };
  if (statements.length === 1 || ours === null || theirs === null)
    return await explain(
      statements.length === 1
        ? { ...exchange, statements }
        : { ...exchange, statements: [statements.join("; ")], parts: statements },
      serie,
      influxd,
      circumstances,
      claims,
    );
  // statement by statement, until one fails
  let verdict: Verdict = same;
  for (const [index, text] of statements.entries()) {
    const [our, their] = [ours[index], theirs[index]];
    if (our === undefined) return { kind: "different", what };
    const one = { ...exchange, text, statements: [text], parameters: undefined };
    const isOver = their === undefined || isStopped(their) || isStopped(our);
    // what influxd says of the one that failed is asked for
    const alone = isStopped(our) || (isOver && our.error !== undefined);
    const replies = isOver
      ? alone
        ? null
        : await circumstances.ask(one)
      : ([replyOf(our), replyOf(their)] as const);
    const each =
      replies === null
        ? ({ kind: "known", difference: stopped } as const)
        : await explain(one, ...replies, circumstances, claims);
    if (each.kind === "different") return each;
    if (each.kind === "known") verdict = each;
    if (isOver) return { kind: "known", difference: stopped };
  }
  return verdict;
}

const replyOf = (result: object): Reply => ({
  status: 200,
  body: JSON.stringify({ results: [{ ...result, statement_id: 0 }] }),
});

const isStopped = ({ error }: { readonly error?: string }) => error === "not executed";

/** Looks for entries of the table that are all there is to a difference: one by itself, then two together, and so on. */
async function explain(
  exchange: Exchange,
  serie: Reply,
  influxd: Reply,
  circumstances: Circumstances,
  claims: number,
): Promise<Verdict> {
  const what = whatDiffers(exchange, serie, influxd);
  if (what === null) return same;
  const { statements: [written = exchange.text] = [] } = exchange;
  // (entries are of statements: what is none before it is not theirs)
  const text = written.replace(/^[;\s]+(?=\S)/, "");
  interface State {
    readonly exchange: Exchange;
    readonly written: string;
    readonly serie: Reply;
    readonly influxd: Reply;
    readonly claims: number;
    /** What was taken out first. */
    readonly first: Difference | null;
  }
  const start = {
    exchange: { ...exchange, text },
    written: exchange.text,
    serie,
    influxd,
    claims,
    first: null,
  };
  // what is read of INTO is looked at without writing it again
  if (/\binto\b/i.test(text) && !/^\s*create\b/i.test(text)) {
    // (windows without a value are not written)
    const read = withSelects(text, (statement) => ({
      ...statement,
      into: null,
      fill:
        statement.into !== null && isWindowed(statement) && (statement.fill?.kind ?? "null") === "null"
          ? { kind: "none" }
          : statement.fill,
    }));
    const plain = differences.find(
      ({ covers, without }) => without === undefined && covers({ ...circumstances, ...start }),
    );
    if (plain !== undefined) return { kind: "known", difference: plain };
    if (read === null) return { kind: "different", what };
    const asked: Exchange = { ...exchange, text: read, statements: [read] };
    const verdict = await compare(asked, ...(await circumstances.ask(asked)), circumstances, claims);
    return verdict.kind === "known" ? verdict : { kind: "different", what };
  }
  // what differs in plain JSON too is looked at there
  const plain: Exchange = { ...exchange, text, statements: [text], format: "json", epoch: "ns" };
  const isOne = exchange.parts === undefined && (exchange.text === text || influxd.status === 200);
  if (isOne && exchange.format !== undefined && (exchange.format !== "json" || exchange.epoch !== "ns")) {
    const replies = await circumstances.ask({ ...plain, parameters: undefined });
    if (replies.every(isWhole) && whatDiffers(plain, ...replies) !== null)
      return await explain({ ...plain, parameters: undefined }, ...replies, circumstances, claims);
  }
  const states: State[] = [start];
  // (what is taken out in another order is the same)
  const seen = new Set<string>();
  for (const state of states)
    for (const difference of differences) {
      if (!difference.covers({ ...circumstances, ...state })) continue;
      const first = state.first ?? difference;
      if (difference.without === undefined) return { kind: "known", difference: first };
      const other = state.claims < MAX_CLAIMS ? difference.without(state.exchange.text) : null;
      const format = difference.inFormat ?? exchange.format;
      const key = `${format} ${other}`;
      if (other === null || seen.has(key)) continue;
      seen.add(key);
      const isPlain = other === state.exchange.text;
      if (!isPlain && isLongForecast(other)) continue;
      const changed: Exchange = {
        ...exchange,
        format,
        text: other,
        statements: isPlain ? (exchange.parts ?? [other]) : [other],
        parameters: undefined,
      };
      const replies = await circumstances.ask(changed);
      if (!replies.every(isWhole)) continue;
      if (difference.fits?.(state.exchange.text, state.serie, replies[0]) === false) continue;
      if (whatDiffers(changed, ...replies) === null) return { kind: "known", difference: first };
      if (isPlain) {
        const verdict = await compare(changed, ...replies, circumstances, state.claims + 1);
        if (verdict.kind !== "different") return { kind: "known", difference: first };
      } else
        states.push({
          exchange: changed,
          written: other,
          serie: replies[0],
          influxd: replies[1],
          claims: state.claims + 1,
          first,
        });
    }
  return { kind: "different", what };
}

/** Null: they say the same. */
export function whatDiffers(exchange: Exchange, serie: Reply, influxd: Reply): string | null {
  if (serie.status !== influxd.status) return `status ${serie.status}, not ${influxd.status}`;
  if (serie.body === influxd.body) return null;
  if (exchange.format === "csv" && serie.status === 200)
    return isCloseText(serie.body, influxd.body) ? null : "csv";
  const [ours, theirs] = [documents(serie.body), documents(influxd.body)];
  const at = firstDifference(ours, theirs, "");
  return at === null ? null : `at ${at || "the top"}`;
}

/** A line each when chunked; what is no JSON stays text. */
function documents(body: string): unknown {
  try {
    return comparable(body);
  } catch {
    try {
      return body.trim().split("\n").map(comparable);
    } catch {
      return body;
    }
  }
}

/** The path of what is not the same; null when all is. Sums in another order differ by rounding: a 10^9th is the same. */
export function firstDifference(a: unknown, b: unknown, path: string): string | null {
  if (typeof a === "number" && typeof b === "number") return isClose(a, b) ? null : path;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return Object.is(a, b) ||
      (typeof a === "bigint" && typeof b === "bigint" && (a === b || areCloseFloats(a, b, path))) ||
      isCloseMixed(a, b)
      ? null
      : path;
  if (Array.isArray(a) !== Array.isArray(b)) return path;
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return `${path}.length`;
  const [keysA, keysB] = [Object.keys(a), Object.keys(b)];
  if (keysA.join("\n") !== keysB.join("\n")) return `${path} keys`;
  for (const key of keysA) {
    const inner = firstDifference(
      (a as Record<string, unknown>)[key],
      (b as Record<string, unknown>)[key],
      `${path}/${key}`,
    );
    if (inner !== null) return inner;
  }
  return null;
}

const isClose = (a: number, b: number) =>
  a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

/** Floats past 2^53 are written without a fraction, as integers are. */
function isCloseMixed(a: unknown, b: unknown): boolean {
  const isNumber = (value: unknown) => typeof value === "number" || typeof value === "bigint";
  return isNumber(a) && isNumber(b) && typeof a !== typeof b && isClose(Number(a), Number(b));
}

/** Two of them: each is the shortest text of a float, and no time, which is the first cell of its row. */
const areCloseFloats = (a: bigint, b: bigint, path: string): boolean =>
  [a, b].every((each) => String(Number(each)) === String(each)) &&
  !/\/values\/\d+\/0$/.test(path) &&
  Math.abs(Number(a - b)) <= 1e-12 * Math.abs(Number(a));

function isCloseText(a: string, b: string): boolean {
  const cells = (text: string) => text.split(/[,\n]/);
  const [ours, theirs] = [cells(a), cells(b)];
  return (
    ours.length === theirs.length &&
    ours.every((cell, index) => {
      const other = theirs[index]!;
      return cell === other || (cell !== "" && other !== "" && isClose(Number(cell), Number(other)));
    })
  );
}

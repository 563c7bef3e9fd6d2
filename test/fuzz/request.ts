// How statements are sent: one or several in a request, with comments, with bind parameters, in each format of the answer.
import type { Draw } from "./draw.ts";
import type { Exchange } from "./pair.ts";
import { tokens } from "./tokens.ts";

/** A request that changes nothing, of the statements that `next` draws. */
export function drawRead(draw: Draw, database: string, next: () => string): Exchange {
  const several = draw.chance(0.06) ? draw.between(2, 4) : 1;
  const one = (): string => {
    const text = next();
    return several > 1 && text.includes(";") ? one() : text;
  };
  const statements = Array.from({ length: several }, one);
  const text = statements.join(draw.of("; ", ";", ";\n", " ; "));
  const commented = draw.chance(0.04) ? withComments(draw, text) : text;
  const bound = draw.chance(0.08) ? withParameters(draw, commented) : { text: commented };
  return {
    kind: "query",
    database,
    ...bound,
    statements,
    epoch: draw.pick(["ns", "ns", "s", "ms", "u", "m", "h", ""]),
    // (a statement that a GET must not carry has its own warning)
    method: draw.chance(0.2) ? "GET" : "POST",
    ...drawFormat(draw, statements.length),
  };
}

/**
 * Whether it may change something all the same, as a statement with words gone may, and what others ask beside it: a user that one
 * makes is in the list of users that another reads, or not, as it happens.
 */
export const mayChange = ({ text }: Exchange): boolean =>
  /\b(?:create|drop|delete|alter|grant|revoke|set|into|kill)\b/i.test(text);

function drawFormat(draw: Draw, statements: number): Pick<Exchange, "format" | "chunkSize"> {
  const format = draw.pick([
    ...(["json", "json", "json", "json", "json", "json", "json"] as const),
    ...(["pretty", "chunked", "chunked", "csv", "msgpack"] as const),
  ]);
  // (statement by statement: in whole documents)
  if (statements > 1) return { format: draw.pick(["json", "pretty"]) };
  if (format !== "chunked") return { format };
  return { format, chunkSize: draw.pick([1, 2, 3, 7, 10_000]) };
}

/** Comments and blanks between words, most of them before clauses. */
function withComments(draw: Draw, text: string): string {
  return tokens(text)
    .map((word) => {
      const isClause = /^(?:select|from|where|group|order|limit|offset|fill|and)\b/i.test(word);
      const before = () => draw.of(" /* a; 'comment' */ ", " -- to the end\n", "\n\t ");
      return draw.maybe(isClause ? 0.4 : 0.02, before) + word;
    })
    .join("");
}

/** Some of the literals, names and patterns as `$p0`, `$p1`, ... with their values beside. */
function withParameters(draw: Draw, text: string): { text: string; parameters: string } {
  const parameters: Record<string, unknown> = {};
  const words = tokens(text).map((word) => {
    const value = draw.chance(0.4) ? boundValue(draw, word.trim()) : undefined;
    if (value === undefined) return word;
    const name = `p${Object.keys(parameters).length}`;
    parameters[name] = value;
    return `$${name} `;
  });
  if (draw.chance(0.03)) delete parameters.p0;
  return { text: words.join(""), parameters: JSON.stringify(parameters) };
}

function boundValue(draw: Draw, word: string): unknown {
  if (/^'[^'\\]*'$/.test(word)) return draw.chance(0.5) ? word.slice(1, -1) : { string: word.slice(1, -1) };
  if (/^\d{1,15}$/.test(word)) return draw.chance(0.5) ? Number(word) : { integer: Number(word) };
  if (/^\d+\.\d+$/.test(word)) return draw.chance(0.5) ? Number(word) : { float: Number(word) };
  if (/^(?:true|false)$/.test(word)) return word === "true";
  if (/^\d+(?:ms|s|m|h|d|w)$/.test(word)) return { duration: word };
  if (/^"[^"\\]*"$/.test(word)) return { identifier: word.slice(1, -1) };
  if (/^\/[^/\\]+\/$/.test(word)) return { regex: word.slice(1, -1) };
  return undefined;
}

// Scripts: what a query language does, as text. A file is blocks separated by empty lines; `#` begins a comment line.
//
//     write                              lines of line protocol (ns) into database db0
//     cpu,host=a value=1 1700000000000000000
//
//     now 2023-11-15T00:00:00Z           sets the clock (default: 2023-11-14T23:00:00Z)
//
//     query s                            the unit of times in the answer (ns, us, ms, s, m, h; default ns)
//     SELECT mean(value) FROM cpu        the text, over as many lines as it likes
//     = {"statement_id":0,"series":[]}   what InfluxDB's JSON has for each statement, one line each
//
//     query s
//     SELECT                             `!` instead: nothing runs, and this is the error
//     ! error parsing query: found EOF
//     differs because ...                optional last line: influxd 1.6.7 answers otherwise, on purpose
//
// Blocks of a file share one database. `bun test/oracle/influxd.ts URL` asks a real influxd the same.
export type Block =
  | { readonly kind: "write"; readonly line: number; readonly lines: string }
  | { readonly kind: "now"; readonly line: number; readonly timeNs: bigint }
  | {
      readonly kind: "query";
      readonly line: number;
      readonly unit: string;
      readonly text: string;
      readonly expected: readonly string[];
      readonly error: string | null;
      readonly differs: boolean;
    };

export const defaultNow = "2023-11-14T23:00:00Z";

export function parseScript(text: string): Block[] {
  const blocks: Block[] = [];
  let block: { line: number; lines: string[] } | null = null;
  for (const [index, line] of [...text.split("\n"), ""].entries()) {
    if (line.startsWith("#")) continue;
    if (line.trim() !== "") {
      block ??= { line: index + 1, lines: [] };
      block.lines.push(line);
    } else if (block !== null) {
      blocks.push(parseBlock(block.line, block.lines));
      block = null;
    }
  }
  return blocks;
}

function parseBlock(line: number, [head = "", ...body]: string[]): Block {
  const [keyword, argument = ""] = head.split(" ");
  switch (keyword) {
    case "write":
      return { kind: "write", line, lines: body.join("\n") };
    case "now":
      return { kind: "now", line, timeNs: BigInt(Date.parse(argument)) * 1_000_000n };
    case "query": {
      const differs = body.at(-1)?.startsWith("differs ") === true;
      const lines = differs ? body.slice(0, -1) : body;
      const isText = (each: string) => !/^[=!] /.test(each);
      return {
        kind: "query",
        line,
        unit: argument || "ns",
        text: lines.filter(isText).join("\n"),
        expected: lines.filter((each) => each.startsWith("= ")).map((each) => each.slice(2)),
        error: lines.find((each) => each.startsWith("! "))?.slice(2) ?? null,
        differs,
      };
    }
    default:
      throw new Error(`line ${line}: a block begins with write, now or query, not ${head}`);
  }
}

/** Statement results as values to compare: floats to 12 digits, integers that a double does not hold as bigint. */
export function comparable(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== "number" || context?.source === undefined) return value;
    if (/^-?\d+$/.test(context.source)) return Number.isSafeInteger(value) ? value : BigInt(context.source);
    return Number(value.toPrecision(12));
  });
}

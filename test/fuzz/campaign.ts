// A run of the comparison: round after round a fresh database with a schema and data of its own, then statements to both servers.
//
//   seed ── round ──> schema, lines ── both write them
//                     statements that only read, several at a time
//                     statements that change something, one by one, each followed by reading everything back
import { drawAdministration, leftOvers, strays } from "./administration.ts";
import { type Circumstances, compare, whatDiffers } from "./compare.ts";
import { drawWrite, type Owners } from "./data.ts";
import { isPartOf } from "./differences/evidence.ts";
import type { Difference } from "./differences.ts";
import { Draw } from "./draw.ts";
import type { Exchange, Pair, Reply } from "./pair.ts";
import { drawRead, mayChange } from "./request.ts";
import { withSelects } from "./rewrite.ts";
import { creation, drawSchema } from "./schema.ts";
import { drawChange, drawStatement, readBack } from "./statements.ts";

export interface Finding {
  readonly round: number;
  /** Everything that was sent before and may matter, then what was answered differently. */
  readonly history: readonly Exchange[];
  readonly exchange: Exchange;
  readonly what: string;
  /** With everything that was sent before. */
  readonly circumstances: Circumstances;
  readonly serie: Reply;
  readonly influxd: Reply;
}

export interface Tally {
  statements: number;
  /** Answers with rows, so that a run of errors alone is seen. */
  withRows: number;
  readonly known: Map<string, number>;
}

export interface CampaignOptions {
  readonly seed: number;
  readonly pair: Pair;
  readonly tally: Tally;
  /** The first round; absent: 0. */
  readonly fromRound?: number;
  /** Asked after each batch. */
  isOver(): boolean;
  onFinding(finding: Finding): void | Promise<void>;
  /** What an entry of the table lets pass. */
  onKnown?(exchange: Exchange, difference: Difference, serie: Reply, influxd: Reply): void;
}

export const newTally = (): Tally => ({ statements: 0, withRows: 0, known: new Map() });

const READS = 120;
const CHANGES = 6;
const AT_ONCE = 6;

export async function runCampaign(options: CampaignOptions): Promise<void> {
  for (let round = options.fromRound ?? 0; !options.isOver(); round++) await runRound(options, round);
}

async function runRound(options: CampaignOptions, round: number): Promise<void> {
  const { pair, tally } = options;
  const draw = new Draw(options.seed * 1_000_003 + round);
  const database = `fuzz${options.seed}_${round}`;
  const schema = drawSchema(draw);
  const history: Exchange[] = [];
  const owners: Owners = new Map();

  const fields = new Set(schema.tables.flatMap((table) => table.fields.map(({ name }) => name)));
  const circumstances: Circumstances = {
    hasTies: schema.hasTies,
    history,
    fields,
    ask: (exchange) => pair.both(exchange),
  };

  const settle = async (exchange: Exchange, [serie, influxd]: [Reply, Reply]): Promise<boolean> => {
    if (exchange.kind === "query") tally.statements++;
    if (influxd.body.includes('"values"')) tally.withRows++;
    const verdict = await compare(exchange, serie, influxd, circumstances);
    if (verdict.kind === "same") return true;
    if (verdict.kind === "known") {
      const { title } = verdict.difference;
      tally.known.set(title, (tally.known.get(title) ?? 0) + 1);
      options.onKnown?.(exchange, verdict.difference, serie, influxd);
    } else
      await options.onFinding({
        round,
        history: [...history],
        exchange,
        circumstances: { ...circumstances, history: [...history] },
        what: verdict.what,
        serie,
        influxd,
      });
    return false;
  };
  const judge = async (exchange: Exchange) => await settle(exchange, await pair.both(exchange));
  const change = async (exchange: Exchange): Promise<boolean> => {
    const isSame = await judge(exchange);
    history.push(exchange);
    return isSame;
  };

  for (const text of creation(schema, database)) await change({ kind: "query", database: "", text });
  for (let i = draw.between(1, 3); i > 0; i--)
    await change(drawWrite(draw, schema, owners, database, draw.pick([3, 20, 60])));
  await writeWhatInfluxdLost(pair, database, history);

  const reads = Array.from({ length: READS }, () =>
    drawRead(draw, database, () => drawStatement(draw, schema, database)),
  );
  for (let at = 0; at < reads.length && !options.isOver(); at += AT_ONCE) {
    const some = reads.slice(at, at + AT_ONCE);
    for (const exchange of some.filter(mayChange)) {
      const replies = await pair.both(exchange);
      if (!(await settle(exchange, replies)))
        for (const text of strays) await pair.both({ kind: "query", database: "", text });
      // (what is of nothing that is there changes nothing)
      if (replies[1].status === 200 && !exchange.text.includes("nowhere"))
        for (const text of exchange.statements ?? []) history.push({ kind: "query", database, text });
    }
    const batch = some.filter((exchange) => !mayChange(exchange));
    const replies = await Promise.all(batch.map((exchange) => pair.both(exchange)));
    for (const [index, exchange] of batch.entries()) await settle(exchange, replies[index]!);
  }

  for (let i = 0; i < CHANGES && !options.isOver(); i++) {
    const { text, asks } = draw.chance(0.35)
      ? drawAdministration(draw, database)
      : { text: drawChange(draw, schema, database), asks: readBack(schema) };
    // what INTO writes is compared before it is written
    const read = withSelects(text, (statement) => ({ ...statement, into: null }));
    if (read !== null && !(await judge({ kind: "query", database, text: read, epoch: "ns" }))) continue;
    // after a difference the two databases are no longer alike
    if (!(await change({ kind: "query", database, text, epoch: "ns" }))) break;
    let isAlike = true;
    for (const ask of asks)
      isAlike = (await judge({ kind: "query", database, text: ask, epoch: "ns" })) && isAlike;
    if (!isAlike) break;
  }
  for (const text of [`DROP DATABASE ${database}`, ...leftOvers(database)])
    await pair.both({ kind: "query", database: "", text });
}

/** influxd has been seen to answer 204 and not to have the points, once in some hundred thousand writes: they are written again, to both. */
async function writeWhatInfluxdLost(
  pair: Pair,
  database: string,
  history: readonly Exchange[],
): Promise<void> {
  const all: Exchange = { kind: "query", database, text: "SELECT * FROM /.*/ GROUP BY *", epoch: "ns" };
  const [serie, influxd] = await pair.both(all);
  if (whatDiffers(all, serie, influxd) === null) return;
  if (!isPartOf(influxd.body, serie.body) || isPartOf(serie.body, influxd.body)) return;
  console.log(
    `fuzz: influxd has lost points of ${database} that it had acknowledged; they are written again`,
  );
  for (const exchange of history) if (exchange.kind === "write") await pair.both(exchange);
}

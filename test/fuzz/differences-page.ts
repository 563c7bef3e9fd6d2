// docs/differences.md out of the table of deliberate differences: `bun test/fuzz/differences-page.ts` writes it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { differences } from "./differences.ts";

const head = `# Where serie answers otherwise than InfluxDB 1.6.7

Deliberate differences, each with its reason. Statements drawn by chance over the whole grammar are sent to both servers
(\`bun run fuzz:influxql\`, and with a fixed seed in the tests): nothing else may differ. What serie has beyond InfluxDB is in
[extensions.md](extensions.md).

Sums of floats, the means and deviations that are made of them, and what \`fill(linear)\` puts in, may differ from influxd's in the last digits: such a sum depends
on the order in which it is added up (the comparison takes numbers for equal that differ by a 10^9th). serie's order is that of
its partitions, pages and rows, whichever thread is asked and whichever answers first: the same query over unchanged data has the
same digits every time. After a flush or a merge, or with another number of threads, the last ones may be others. Integers are exact.

This page is made from \`test/fuzz/differences.ts\`.

| | InfluxDB | serie | why |
| --- | --- | --- | --- |
`;

export function differencesPage(): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const rows = differences.map(
    ({ title, influxd, serie, reason }) => `| ${[title, influxd, serie, reason].map(cell).join(" | ")} |\n`,
  );
  return head + rows.join("");
}

if (import.meta.main) writeFileSync(join(import.meta.dir, "../../docs/differences.md"), differencesPage());

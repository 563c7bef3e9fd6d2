// docs/differences.md out of the table of deliberate differences: `bun test/fuzz/differences-page.ts` writes it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { differences } from "./differences.ts";

const head = `# Where serie answers otherwise than InfluxDB 1.6.7

Deliberate differences, each with its reason. Statements drawn by chance over the whole grammar are sent to both servers
(\`bun run fuzz:influxql\`, and with a fixed seed in the tests): nothing else may differ. What serie has beyond InfluxDB is in
[extensions.md](extensions.md). This page is made from \`test/fuzz/differences.ts\`.

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

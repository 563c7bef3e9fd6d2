// docs/http-differences.md out of the table of deliberate differences: `bun test/api/differences-page.ts` writes it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { known } from "./differences.ts";

const head = `# Where serie's HTTP interface answers otherwise than InfluxDB 1.6.7's

Deliberate differences, each with its reason. The same requests are sent to both servers in the tests (\`test/api/\`), and status, headers
and body compared: nothing else may differ. What differs in the language is in [differences.md](differences.md). This page is made
from \`test/api/differences.ts\`.

| | InfluxDB | serie | why |
| --- | --- | --- | --- |
`;

export function httpDifferencesPage(): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  const rows = Object.values(known).map(
    ({ title, influxd, serie, why }) => `| ${[title, influxd, serie, why].map(cell).join(" | ")} |\n`,
  );
  return head + rows.join("");
}

if (import.meta.main)
  writeFileSync(join(import.meta.dir, "../../docs/http-differences.md"), httpDifferencesPage());

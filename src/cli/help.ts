// What `serie --help` prints: the commands and every option of the table.
import { version } from "../base/version.ts";
import { defaultText, environmentName, kebabName, optionNames, optionTable } from "../db/options.ts";

export function helpText(): string {
  const options = optionNames.map((name) => {
    const { kind, doc } = optionTable[name];
    const placeholder = kind.name === "boolean" ? "" : ` ${kind.name.toUpperCase().replaceAll(" OR ", "|")}`;
    return `  --${kebabName(name)}${placeholder}\n      ${doc}\n      ${environmentName(name)}; default ${defaultText(name)}\n`;
  });
  return `serie ${version}: a time series database that speaks InfluxDB 1.x

  serie [server] [options]   the server (default command)
  serie inspect FILE         prints what a file of the data folder holds
  serie --help | --version

Options (flags win over the environment, that over the TOML file, that over the defaults;
sizes in bytes or as 64MiB, durations in ms or as 10s; --no-NAME turns a switch off):

  --config FILE
      TOML file with options as keys: port = 8086, max-mem-size = "64MiB".
      SERIE_CONFIG; default none
${options.join("")}`;
}

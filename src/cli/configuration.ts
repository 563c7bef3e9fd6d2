// Options of a server: flags over the environment over a TOML file over the defaults.
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { InputError } from "../base/errors.ts";
import {
  environmentName,
  kebabName,
  type OptionLayer,
  type OptionName,
  type Options,
  optionNames,
  resolveLayers,
} from "../db/options.ts";
import type { CommandLine } from "./flags.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Throws `InputError`, which names the flag, variable or file and key that is wrong. */
export function readConfiguration(line: CommandLine, environment: Environment): Options {
  const layers: OptionLayer[] = [
    { values: line.options, nameOf: (name) => `--${kebabName(name)}` },
    { values: fromEnvironment(environment), nameOf: environmentName },
  ];
  const file = line.configFile ?? (environment["SERIE_CONFIG"] || undefined);
  if (file !== undefined) layers.push(fromFile(file));
  return resolveLayers(layers);
}

/** An empty variable counts as unset. */
function fromEnvironment(environment: Environment): OptionLayer["values"] {
  const values: { [K in OptionName]?: string } = {};
  for (const name of optionNames) {
    const text = environment[environmentName(name)];
    if (text) values[name] = text;
  }
  return values;
}

function fromFile(file: string): OptionLayer {
  let document: Record<string, unknown>;
  try {
    document = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new InputError(`config file ${file}: ${(error as Error).message.trimEnd()}`);
  }
  const values: { [K in OptionName]?: unknown } = {};
  for (const [key, value] of Object.entries(document)) {
    const name = optionNames.find((candidate) => kebabName(candidate) === key);
    if (!name) {
      const keys = optionNames.map(kebabName).join(", ");
      throw new InputError(`config file ${file}: unknown key ${JSON.stringify(key)}: the keys are ${keys}`);
    }
    values[name] = value;
  }
  return { values, nameOf: (name) => `config file ${file}: ${kebabName(name)}` };
}

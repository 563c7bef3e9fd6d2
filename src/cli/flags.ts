// The command line: a command, its operands, and flags whose names and kinds come from the table of options.
//
//   serie [server] [--data-dir DIR] [--strict-types] [--no-auto-create-database] [--config FILE] ...
//   serie inspect FILE
import { InputError } from "../base/errors.ts";
import { kebabName, type OptionName, optionNames, optionTable } from "../db/options.ts";

export type Command = "server" | "inspect" | "help" | "version";

export interface CommandLine {
  readonly command: Command;
  readonly operands: readonly string[];
  /** As given: not yet read or checked. */
  readonly options: { readonly [K in OptionName]?: string | boolean };
  /** `--config` */
  readonly configFile: string | undefined;
}

const optionByFlag = new Map(optionNames.map((name) => [kebabName(name), name]));

/** Throws `InputError` on an unknown flag or command, a flag without its value, and operands that nothing takes. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const words: string[] = [];
  const options: { [K in OptionName]?: string | boolean } = {};
  let configFile: string | undefined;
  let asked: "help" | "version" | undefined;

  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string;
    if (!word.startsWith("-") || word === "-") {
      words.push(word);
      continue;
    }
    const [flag, attached] = splitOnce(word, "=");
    /** The text after `=`, else the next word. */
    const value = () => {
      const text = attached ?? args[++at];
      if (text === undefined) throw new InputError(`${flag}: a value is missing`);
      return text;
    };
    if (flag === "--help" || flag === "-h") asked = "help";
    else if (flag === "--version" || flag === "-v") asked = "version";
    else if (flag === "--config") configFile = value();
    else {
      const name = optionByFlag.get(flag.slice(2));
      const negated = flag.startsWith("--no-") ? optionByFlag.get(flag.slice(5)) : undefined;
      if (name && flag.startsWith("--")) options[name] = isBoolean(name) ? (attached ?? true) : value();
      else if (negated && isBoolean(negated) && attached === undefined) options[negated] = false;
      else throw new InputError(`unknown flag ${flag}: \`serie --help\` lists all`);
    }
  }
  return { ...commandOf(words, asked), options, configFile };
}

function commandOf(words: readonly string[], asked: "help" | "version" | undefined) {
  const [command = "server", ...operands] = words;
  if (asked) return { command: asked, operands };
  if (command !== "server" && command !== "inspect")
    throw new InputError(`unknown command ${JSON.stringify(command)}: the commands are server and inspect`);
  const wanted = command === "inspect" ? 1 : 0;
  if (operands.length < wanted) throw new InputError("inspect needs the FILE to look into");
  if (operands.length > wanted)
    throw new InputError(`unexpected argument ${JSON.stringify(operands[wanted])} after ${command}`);
  return { command, operands } as const;
}

function isBoolean(name: OptionName): boolean {
  return optionTable[name].kind.name === "boolean";
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

import { SECTION_LIST } from "../config/schema.ts";
import { type OptionDefs, optionsOf } from "./command.ts";

const LOG_OPTIONS = SECTION_LIST.filter(([name]) => name === "log").flatMap(([, log]) =>
  Object.entries(optionsOf(log)),
);

/** Options that every command has. */
export const GLOBAL_OPTIONS: OptionDefs = {
  config: {
    type: "string",
    valueHint: "FILE",
    description: "configuration file (TOML)",
    defaultText: "$LINNIX_CONFIG, else /etc/linnix/linnix.toml",
    group: "General",
  },
  ...Object.fromEntries(LOG_OPTIONS.map(([name, option]) => [name, { ...option, group: "General", rare: true }])),
  "no-color": {
    type: "boolean",
    description: "no colour (default without a terminal, with NO_COLOR set, or with TERM=dumb)",
    rare: true,
    group: "General",
  },
  help: { type: "boolean", alias: "h", description: "show this help", group: "General" },
  all: { type: "boolean", description: "with --help: show every option and example", group: "General", rare: true },
  version: {
    type: "boolean",
    alias: "V",
    description: "show the version",
    group: "General",
  },
  verbose: {
    type: "boolean",
    description: "with --version: commit, embedded software, licences",
    group: "General",
    rare: true,
  },
  licences: {
    type: "boolean",
    description: "show the licence texts of linnix and embedded software",
    group: "General",
    rare: true,
  },
};

/** Options of a command, then the general ones. If both have an option of the same name, the command's own applies. */
export function withGlobalOptions(own: OptionDefs): OptionDefs {
  return { ...own, ...GLOBAL_OPTIONS, ...own };
}

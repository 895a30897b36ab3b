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
    defaultText: "$LINNIX_CONFIG, else /etc/linnix/linnix.toml where it exists",
    group: "General",
  },
  ...Object.fromEntries(LOG_OPTIONS.map(([name, option]) => [name, { ...option, group: "General" }])),
  "no-color": {
    type: "boolean",
    description: "no colour (as without a terminal, or with NO_COLOR set)",
    group: "General",
  },
  help: { type: "boolean", alias: "h", description: "show this help", group: "General" },
  version: {
    type: "boolean",
    alias: "V",
    description: "show the version (with --verbose: of all parts)",
    group: "General",
  },
  verbose: { type: "boolean", description: "with --version: commit, parts and licences", group: "General" },
  licences: { type: "boolean", description: "show the licence texts of all that is in this binary", group: "General" },
};

/** Options of a command and the general ones after them; where both have one of that name, the command's own counts. */
export function withGlobalOptions(own: OptionDefs): OptionDefs {
  return { ...own, ...GLOBAL_OPTIONS, ...own };
}

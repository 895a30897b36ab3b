import { RECOMMENDED_PATTERNS } from "../recommended-redaction.ts";
import type { Section } from "../section.ts";
import { boolean, listOf, pattern } from "../values.ts";

export interface RedactionSettings {
  /** Whether arguments are hidden: all of them, or what the patterns match. */
  redact: boolean;
  /** Regular expressions of what to hide in arguments, as text. */
  patterns: string[];
}

export const redaction: Section<RedactionSettings> = {
  name: "redaction",
  title: "Redaction of command lines",
  keys: {
    redact: {
      toml: "redact",
      flag: "redact",
      hint: "BOOL",
      type: boolean,
      default: false,
      doc: "hide the arguments of every process, all but the first, or what the patterns match",
      details: ["What is hidden is not kept, and no output has it: it reads [redacted]."],
    },
    patterns: {
      toml: "patterns",
      flag: "redact-pattern",
      hint: "REGEX...",
      type: listOf(pattern, { max: 32, commas: false }),
      default: [],
      doc: "hide only what this regular expression matches in the arguments",
      details: [
        "Matched against the arguments joined by single spaces, the first one included. Where the expression has",
        "groups, they are hidden and the rest of the match stays: ['--password[ =](\\S+)'] keeps the option's name.",
        "Recommended (docs/configuration.md says what they hide):",
        ...RECOMMENDED_PATTERNS.map((text) => `  '${text}',`),
      ],
    },
  },
};
